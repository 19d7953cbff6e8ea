"""The tables of a study of noise as text: the overview of the arms, and every number behind it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from testbed.report.template import figure
from testbed.stats.normality import false_discoveries
from testbed.studies.noise.page.overview import probability, verdict, within

RATE = 0.05
"""Share of false ones among the rejections of Gaussianity."""
TESTS = {
    "lilliefors_p": "Lilliefors",
    "anderson_darling_p": "Anderson–Darling",
    "skewness_p": "skewness",
    "kurtosis_p": "kurtosis",
}


class Table(NamedTuple):
    """A table as text: columns with their kind ("" number, "word", "text"), and rows of cells in groups.

    A group without a name is open, the others can be opened.
    """

    heading: str
    note: str
    columns: Sequence[tuple[str, str]]
    groups: Sequence[tuple[str, Sequence[Sequence[str]]]]

    @property
    def size(self) -> int:
        """The number of rows."""
        return sum(len(rows) for _, rows in self.groups)


TRAINED = ("parameters", "context", "draw", "learning_rate", "horizon", "excess", "status", "sentence")
"""What is told of a training run."""
WHERE = {"layer": "", "part": "word", "given": "word"}


def fitted(fits: pd.DataFrame) -> Table:
    """Return every fit."""
    columns = {"arm": "word", **WHERE, "of": "word", "slope": "", "at n = 1": "", "lack of fit p": "", "c_∞": "",
               "γ": "", "KS rate": "", "predicted slope": "", "measured/theory": "", "1/n law": "word"}  # fmt: skip
    rows = [
        [row.arm, *where(row), row.measure, within(row, "slope"), figure(row.constant), probability(row.lack_of_fit),
         within(row, "limit"), within(row, "gamma"), within(row, "rate"), figure(row.predicted_slope),
         within(row, "ratio"), verdict(row) or "–"]
        for row in fits.itertuples()
    ]  # fmt: skip
    note = (
        "Slope of log T against log n with T at n = 1 on that line; the fit T = c_∞ + c_1·n^−γ; the rate r of the KS "
        "distance, c·n^−r above its floor; measured over predicted T in the larger half of the lengths."
    )
    return Table("Fits", note, list(columns.items()), [("", rows)] if rows else [])


def measured(levels: pd.DataFrame, arms: Sequence[str]) -> Table:
    """Return T at every n, by arm."""
    columns = {"draw": "", **WHERE, "n": "", "sequences": "", "T": "", "s.e.": "", "theory": "", "measured/theory": "",
               "1/Σ a²": ""}  # fmt: skip

    def cells(row: Any) -> list[str]:
        ratio = row.variance / row.predicted if row.predicted else np.nan
        numbers = [figure(number) for number in (row.variance, row.error, row.predicted, ratio)]
        used = f"{row.effective:.0f}" if row.effective >= 1000 else figure(row.effective)
        return [str(row.draw), *where(row), str(row.length), str(row.sequences), *numbers, used]

    note = "T with its standard error over the sequences, theory's T at this n, the effective sample size of attention."
    return Table("T at every n", note, list(columns.items()), by_arm(levels, arms, cells))


def tests(shapes: pd.DataFrame, arms: Sequence[str], made: int, rejected: int) -> Table:
    """Return the tests of every projection, by arm; ``shapes`` with adjusted p-values, and how many were rejected."""
    columns = {"draw": "", **WHERE, "n": "", "direction": "word", "KS distance": "", "floor": "", "95 %": "",
               "skewness": "", "excess kurtosis": ""} | {f"p: {name}": "" for name in TESTS.values()}  # fmt: skip

    def cells(row: Any) -> list[str]:
        numbers = (row.floor, row.floor_95, row.skewness, row.kurtosis)
        adjusted = [probability(getattr(row, name)) for name in TESTS]
        ends = [str(row.draw), *where(row), str(row.length), row.direction, within(row, "distance")]
        return [*ends, *map(figure, numbers), *adjusted]

    note = (
        f"The last four columns are p-values adjusted for false discoveries, all {made} tests of this page in one "
        f"family (Benjamini–Yekutieli, valid under any dependence). {rejected} of them are {RATE:g} or less; of "
        f"rejections made there, on average at most the share {RATE:g} is false. With enough sequences every test "
        "rejects at every finite n: judge how the distance falls with n, not these."
    )
    named = "Tests of Gaussianity, direction by direction"
    return Table(named, note, list(columns.items()), by_arm(shapes, arms, cells))


def joint_tests(joint: pd.DataFrame, arms: Sequence[str]) -> Table:
    """Return the tests of joint Gaussianity, by arm; ``joint`` with adjusted p-values."""
    columns = {"draw": "", **WHERE, "n": "", "dimensions": "", "vectors": "", "statistic": "", "p": ""}

    def cells(row: Any) -> list[str]:
        counts = (row.length, row.dimensions, row.vectors)
        return [str(row.draw), *where(row), *map(str, counts), figure(row.statistic), probability(row.p_value)]

    note = "Henze–Zirkler test of the leading principal projections together; p adjusted in the same family."
    renamed = joint.rename(columns={"count": "vectors"})  # a named tuple has a method count
    return Table("Tests of joint Gaussianity", note, list(columns.items()), by_arm(renamed, arms, cells))


def assumptions(assumed: pd.DataFrame, arms: Sequence[str]) -> Table:
    """Return what was measured of each assumption, by arm."""
    columns = {"assumption": "word", "layer": "", "quantity": "word", "value": "", "floor": "", "note": "text"}

    def cells(row: Any) -> list[str]:
        return [row.assumption, str(row.layer), row.quantity, figure(row.value), figure(row.floor), row.note]

    note = "What the model and the world really do, whatever the arm says. Floor: what no violation would show."
    return Table("The assumptions as measured", note, list(columns.items()), by_arm(assumed, arms, cells))


def trained(table: pd.DataFrame) -> Table:
    """Return the training runs behind arms with trained weights."""
    columns = {"parameters": "", "context": "", "draw": "", "learning rate": "", "steps": "", "excess loss": "",
               "status": "word", "why": "text"}  # fmt: skip
    rows = [
        [str(p), str(n), str(draw), figure(rate), str(steps), figure(excess), status, why]
        for p, n, draw, rate, steps, excess, status, why in table[list(TRAINED)].itertuples(index=False)
    ]
    note = "Excess loss: the mean divergence from the exact predictive at the end of training, in nats per token."
    return Table("Training runs", note, list(columns.items()), [("", rows)])


def where(row: Any) -> tuple[str, str, str]:
    """Return the cells of where something was measured."""
    return str(row.layer), row.part, row.given


def by_arm(
    table: pd.DataFrame, arms: Sequence[str], cells: Callable[[Any], list[str]]
) -> list[tuple[str, list[list[str]]]]:
    """Return the rows of a table as text, a group for each arm that has any."""
    grouped = {arm: [cells(row) for row in table[table["arm"] == arm].itertuples()] for arm in arms}
    return [(arm, rows) for arm, rows in grouped.items() if rows]


def adjusted(shapes: pd.DataFrame, joint: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, int, int]:
    """Return both tables with adjusted p-values in the place of the raw, the number of tests, and of rejections.

    All tests of a study are one family, of any dependence (Benjamini–Yekutieli).
    """
    raw_NT, raw_N = shapes[list(TESTS)].to_numpy(dtype=float), joint["p_value"].to_numpy(dtype=float)
    family_N = np.concatenate([raw_NT.ravel(), raw_N])
    made_N = np.isfinite(family_N)
    found_N = np.full(len(family_N), np.nan)
    if made_N.any():
        found_N[made_N] = false_discoveries(family_N[made_N].tolist(), RATE, dependent=True).adjusted_N
    shaped = shapes.assign(**dict(zip(TESTS, found_N[: raw_NT.size].reshape(raw_NT.shape).T, strict=True)))
    return shaped, joint.assign(p_value=found_N[raw_NT.size :]), int(made_N.sum()), int((found_N <= RATE).sum())
