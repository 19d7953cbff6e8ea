"""One run's tables, ready to be asked: kept numbers, learning rates, replicates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from testbed.stats.moments import Block

Stopping = Literal["final", "best"]


@dataclass(frozen=True)
class Analysis:
    """The cells and ensembles of one run beside the truth they are held against.

    ``epsilon`` is the exact finite-window Bayes loss with the error of its own; ``bayes_nll_B`` the loss of the Bayes
    predictive on the shared evaluation sequences; all nats per token. Under the stopping rule "best" the first half of
    the sequences chose the checkpoint, so only the second half is read. ``measured`` holds the table of every measure
    on the shelf ``testbed.measure.ensemble`` by name; ``ensembles`` is that of the exact split.
    """

    cells: pd.DataFrame
    ensembles: pd.DataFrame
    epsilon: float
    epsilon_error: float
    bayes_nll_B: np.ndarray
    stopping: Stopping
    measured: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @cached_property
    def kept(self) -> pd.DataFrame:
        """The finished cells at the chosen learning rates, with ``kl_B`` and ``ce_B`` of the kept checkpoint."""
        rates = chosen_rates(self.cells)
        chosen = self.cells["parameters"].map(rates) == self.cells["learning_rate"]
        frame = self.cells[chosen & (self.cells["status"] == "finished")]
        read = self.read
        return frame.assign(
            kl_B=[np.asarray(row.kl_CB, dtype=np.float64)[_kept(row)][read] for row in frame.itertuples()],
            ce_B=[np.asarray(row.ce_CB, dtype=np.float64)[_kept(row)][read] for row in frame.itertuples()],
        )

    @cached_property
    def read(self) -> slice:
        """The evaluation sequences whose numbers may be reported."""
        return slice(len(self.bayes_nll_B) // 2, None) if self.stopping == "best" else slice(None)

    @cached_property
    def horizons(self) -> dict[int, list[int]]:
        """For each size, in ascending order, the horizons of its online cells, ascending."""
        online = self.kept[self.kept["role"] == "online"]
        return {
            int(size): sorted(int(h) for h in group["horizon"].unique()) for size, group in online.groupby("parameters")
        }

    @cached_property
    def stored_tokens(self) -> dict[int, list[int]]:
        """For each size with an online run, the stored D seen for as many steps as its longest horizon, ascending."""
        found = {}
        for size, horizons in self.horizons.items():
            stored = self._select(size, "stored")
            found[size] = sorted(int(d) for d in stored[stored["horizon"] == horizons[-1]]["tokens"].unique())
        return found

    def online(self, parameters: int, horizon: int) -> pd.DataFrame:
        """Return the kept online cells of one size and horizon."""
        return self._select(parameters, "online")[lambda frame: frame["horizon"] == horizon]

    def stored(self, parameters: int, tokens: int) -> pd.DataFrame:
        """Return the kept stored cells of one size and number of tokens, at the longest horizon."""
        horizon = self.horizons[parameters][-1]
        stored = self._select(parameters, "stored")
        return stored[(stored["tokens"] == tokens) & (stored["horizon"] == horizon)]

    def _select(self, parameters: int, role: str) -> pd.DataFrame:
        return self.kept[(self.kept["parameters"] == parameters) & (self.kept["role"] == role)]


def chosen_rates(cells: pd.DataFrame) -> dict[int, float]:
    """Return for each size the learning rate of lowest mean K, at the online horizon where most rates were tried.

    A rate with a diverged replicate is never chosen; of equals, the smaller rate. A size none of whose rates survives
    is left out.

    Error: the lowest of several noisy means is itself too low, so K at that horizon (only) is biased downward.
    """
    rates: dict[int, float] = {}
    for size, group in cells[cells["role"] == "online"].groupby("parameters"):
        tries = group.groupby("horizon")["learning_rate"].nunique()
        contested = group[group["horizon"] == tries.idxmax()]
        scores = {
            float(rate): float(np.mean([_mean_k(row) for row in tried.itertuples()]))
            for rate, tried in contested.groupby("learning_rate")
            if (tried["status"] == "finished").all()
        }
        if scores:
            rates[int(size)] = min(scores, key=lambda rate: (scores[rate], rate))
    return rates


def block(*groups: pd.DataFrame, column: str = "kl_B") -> Block:
    """Return the replicates that all groups share, as one block of one quantity per group."""
    indexed = [group.set_index(["draw", "initialisation"])[column] for group in groups]
    shared = sorted(set.intersection(*(set(series.index) for series in indexed)))
    if not shared:
        raise ValueError("no replicate is common to these groups; each needs one finished cell with the same seeds.")
    values_RBQ = np.array([np.stack([series.loc[seed] for series in indexed], axis=-1) for seed in shared])
    return Block(values_RBQ, _factors(shared))


def _factors(seeds: list[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Replicates are independent if either seed differs in each; else draws and initialisations are crossed."""
    columns = tuple(zip(*seeds, strict=True))
    for column in columns:
        if len(set(column)) == len(seeds):
            return (column,)
    return columns


def _kept(row: object) -> int:
    """Position of the kept checkpoint."""
    (position,) = np.flatnonzero(np.asarray(row.step_C) == row.kept_step)  # type: ignore[attr-defined]
    return int(position)


def _mean_k(row: object) -> float:
    return float(np.asarray(row.kl_CB, dtype=np.float64)[_kept(row)].mean())  # type: ignore[attr-defined]
