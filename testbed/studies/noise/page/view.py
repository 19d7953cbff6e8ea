"""Which rows of a study of noise a panel is about: the tables' columns, the arms in order, the subject of each."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

KEY = ("arm", "layer", "part", "given")
COLUMNS = {
    "arms": "arm assumption switch world model weights predicted_slope predicted_measure predicted_limit why part "
    "A1 A2 A3 A4 limit_nT",
    "levels": "arm draw layer part given length sequences variance error effective predicted",
    "fits": "arm layer part given measure slope slope_low slope_high constant lack_of_fit limit limit_low limit_high "
    "gamma gamma_low gamma_high rate rate_low rate_high predicted_slope ratio ratio_low ratio_high law",
    "shapes": "arm draw layer part given length direction distance distance_low distance_high floor floor_95 "
    "lilliefors_p anderson_darling_p skewness skewness_p kurtosis kurtosis_p iqr iqr_error quantiles",
    "joint": "arm draw layer part given length dimensions count statistic p_value",
    "assumed": "arm assumption layer quantity value floor note",
}
GROUPS = {
    "": ("Every assumption kept", "#28518f"),
    "A1": ("A1 dropped: bounded queries, keys and values", "#1f8a8c"),
    "A2": ("A2 dropped: attention is Lipschitz", "#9c2f4f"),
    "A3": ("A3 dropped: stationary blocks of bounded length", "#c2611f"),
    "A4": ("A4 dropped: a Lipschitz, bounded feed-forward layer", "#6b4c9a"),
    "several": ("Several assumptions dropped", "#5d6b2f"),
}
GIVEN = {"query": "given the query token", "nothing": "unconditional"}


class Subject(NamedTuple):
    """What the panels of one arm are about: the part that its prediction is about, at the lowest layer observed.

    ``described`` is the arm's row of the table of arms; ``given`` is "query" wherever that was measured; ``measure`` is
    what a slope is predicted of.
    """

    described: Any
    layer: int
    part: str
    given: str

    @property
    def arm(self) -> str:
        """The arm's name."""
        return str(self.described.arm)

    @property
    def measure(self) -> str:
        """What the slope is predicted of: the variance or the interquartile range."""
        return str(self.described.predicted_measure)

    @property
    def colour(self) -> str:
        """The colour of the assumption that is dropped."""
        return GROUPS[self.described.assumption][1]

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table about this subject."""
        return self.both(table)[lambda own: own["given"] == self.given]

    def both(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows about this subject, given the query token and not."""
        same = (table["arm"] == self.arm) & (table["layer"] == self.layer) & (table["part"] == self.part)
        return table[same]

    def fit(self, fits: pd.DataFrame, measure: str | None = None) -> Any:
        """Return the row of the fit of a measure, by default the predicted one; None where there is none."""
        own = self.rows(fits)
        return next(own[own["measure"] == (measure or self.measure)].itertuples(), None)


def completed(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables, those without rows with all their columns.

    Error: ValueError for a table that lacks a column, arms named twice, and rows about arms that are not described.
    """
    found = {
        name: table if len(table) else table.reindex(columns=COLUMNS[name].split()) for name, table in tables.items()
    }
    _check(found)
    return found


def _check(tables: Mapping[str, pd.DataFrame]) -> None:
    for name, columns in COLUMNS.items():
        lacking = [column for column in columns.split() if column not in tables[name]]
        if lacking:
            raise ValueError(f"the table {name} lacks {', '.join(lacking)}; it must have {columns}.")
    names = tables["arms"]["arm"].to_list()
    if len(set(names)) < len(names):
        raise ValueError(f"arms {names} must differ; name each once.")
    for name in COLUMNS:
        unknown = sorted(set(tables[name]["arm"]) - set(names))
        if unknown:
            raise ValueError(f"the table {name} has the arms {unknown}, which the table arms lacks; describe them.")
    wrong = sorted(set(tables["arms"]["assumption"]) - set(GROUPS))
    if wrong:
        raise ValueError(f"assumptions {wrong} are unknown; an arm drops one of {list(GROUPS)}.")


def subjects(arms: pd.DataFrame, *tables: pd.DataFrame) -> dict[str, list[Subject]]:
    """Return the subjects by the assumption they drop, in the order of the assumptions; every arm has one.

    ``tables`` have the columns arm, layer, part and given, and say what was observed.
    """
    seen = pd.concat([table[list(KEY)] for table in tables], ignore_index=True)
    return {
        assumption: [_subject(row, seen[seen["arm"] == row.arm]) for row in own.itertuples()]
        for assumption in GROUPS
        if len(own := arms[arms["assumption"] == assumption])
    }


def _subject(described: Any, seen: pd.DataFrame) -> Subject:
    if seen.empty:
        return Subject(described, 1, str(described.part), "query")
    part = described.part if (seen["part"] == described.part).any() else seen["part"].iloc[0]
    own = seen[seen["part"] == part]
    layer = int(own["layer"].min())
    given = set(own.loc[own["layer"] == layer, "given"])
    return Subject(described, layer, str(part), "query" if "query" in given else str(min(given)))


def extremes(shapes: pd.DataFrame) -> pd.DataFrame:
    """Return for each length the rows of the median and of the largest KS distance over directions and draws.

    The column ``which`` tells them apart; of an even number the lower median is taken.
    """
    found = []
    for _, own in shapes[shapes["distance"].notna()].groupby("length"):
        ordered = own.sort_values("distance", kind="stable")
        found.append(ordered.iloc[[(len(ordered) - 1) // 2, -1]].assign(which=["median", "largest"]))
    return pd.concat(found, ignore_index=True) if found else shapes.iloc[:0].assign(which="")


def logarithmic(values: Any) -> np.ndarray:
    """Return those values that a logarithmic axis can show."""
    found = np.asarray(values, dtype=float)
    return found[np.isfinite(found) & (found > 0)]
