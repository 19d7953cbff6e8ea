"""The tables of docs/results.md, from the folders of finished runs: ``python benchmarks/results.py runs/FOLDER …``.

A grid has a row for each claim and one for each size; a study of noise a row for each observed vector, with its claims.
"""

import math
import sys
from pathlib import Path

import pandas as pd

from testbed.store import Store, ledger
from testbed.verdict import LEVEL, Verdict, span

HEADINGS = {
    "noise_slope": "slope",
    "noise_slope_departure": "slope of T over theory",
    "noise_constant": "T / theory",
    "noise_departure": "largest departure of T",
    "noise_normal_distance": "KS distance",
    "noise_distance_exponent": "KS exponent",
    "noise_spread_slope": "slope of the interquartile range",
}
GIVEN = {"query": "", "nothing": ", given nothing"}


def main(folders: list[str]) -> None:
    for folder in folders:
        verdicts = ledger.read(Store.existing(Path(folder)))
        print(f"\n{folder}\n")
        print("\n".join(by_vector(verdicts) if verdicts[0].about else by_claim(verdicts)))
        if not verdicts[0].about:
            print("\n" + "\n".join(by_size(Store.existing(Path(folder)))))


def by_claim(verdicts: list[Verdict]) -> list[str]:
    """Return a table with a row for each claim."""
    rows = ["| claim | estimate | 95 % interval | true in | verdict |", "|---|---|---|---|---|"]
    for each in verdicts:
        low, high = each.region
        region = span(-math.inf if low is None else low, math.inf if high is None else high, strict=each.strict)
        value, interval = ("–", "–") if each.estimate is None else (number(each.estimate), ends(each))
        rows.append(f"| {each.sentence} | {value} | {interval} | {region} | **{each.verdict}** |")
    return rows


def by_vector(verdicts: list[Verdict]) -> list[str]:
    """Return a table with a row for each observed vector and a column for each number."""
    used = [name for name in HEADINGS if any(each.quantity == name for each in verdicts)]
    rows = [f"| vector | {' | '.join(HEADINGS[name] for name in used)} |", "|---" * (len(used) + 1) + "|"]
    for about in dict.fromkeys(each.about for each in verdicts):
        arm, layer, part, given = str(about).split("/")
        own = {each.quantity: each for each in verdicts if each.about == about}
        told = (f"{number(own[q].estimate)} {ends(own[q])} {own[q].verdict}" if q in own else "" for q in used)
        rows.append(f"| {arm}, layer {layer}, {part}{GIVEN[given]} | {' | '.join(told)} |")
    return rows


def by_size(store: Store) -> list[str]:
    """Return a table with a row for each size: B, Ω, K on fresh data, and V at each D."""
    table = store.read_frame("estimates.parquet")
    stored = sorted(table.loc[table["quantity"] == "V", "tokens"].unique())
    rows = []
    for size, own in table.groupby("parameters"):
        bias, gap, fresh = (own[own["quantity"] == name] for name in ("B", "gap", "K"))
        cells = [told(bias.iloc[0]), told(gap.iloc[0]), told(fresh[fresh["role"] == "online"].iloc[0])]
        cells += [told(own[(own["quantity"] == "V") & (own["tokens"] == tokens)].iloc[0]) for tokens in stored]
        rows.append(f"| {size:,.0f} | {' | '.join(cells)} |")
    heads = ["B", "Ω", "K on fresh data", *(f"V at D = {tokens:,.0f}" for tokens in stored)]
    return [f"| P | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|", *rows]


def told(row: pd.Series) -> str:
    """Return an estimate with its interval."""
    return f"{number(row['value'])} {span(row['low'], row['high'])}{unusual(row['level'])}"


def ends(verdict: Verdict) -> str:
    low, high = verdict.low, verdict.high
    return span(-math.inf if low is None else low, math.inf if high is None else high) + unusual(verdict.level)


def unusual(level: float) -> str:
    """Return the words that tell a level where it is not the one of the heading."""
    return "" if level == LEVEL else f" at {100 * level:.4g} %"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}".replace("-", "−")


if __name__ == "__main__":
    main(sys.argv[1:])
