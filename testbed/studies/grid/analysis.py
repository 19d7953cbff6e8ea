"""One run's tables, ready to be asked: kept numbers, learning rates, replicates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from testbed.cell import Stopping
from testbed.sources import Truth
from testbed.stats.identified import NoInformation
from testbed.stats.moments import Block
from testbed.studies.grid import references


@dataclass(frozen=True)
class Analysis:
    """The cells and ensembles of one run beside the truth they are held against.

    ``epsilon`` is the exact finite-window Bayes loss with the error of its own; ``bayes_nll_B`` the loss of the Bayes
    predictive on the shared evaluation sequences; all nats per token. Under the stopping rule "best" the first half of
    the sequences chose the checkpoint, so only the second half is read. ``measured`` holds the table of every measure
    on the shelf ``testbed.studies.grid.measures`` by name; ``ensembles`` is that of the exact split.
    ``bayes_entropy_B`` is the exact conditional entropy of the Bayes predictive, averaged over each shared window;
    ``nested`` tells whether groups of cells share their draws. ``truth`` is all that is known of the world,
    ``references`` the table of reference predictors, ``strangers`` counts parts of other grids in the folder.
    """

    cells: pd.DataFrame
    ensembles: pd.DataFrame
    epsilon: float
    epsilon_error: float
    bayes_nll_B: np.ndarray
    stopping: Stopping
    measured: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    bayes_entropy_B: np.ndarray | None = None
    nested: bool = False
    truth: Truth | None = None
    references: pd.DataFrame = field(default_factory=references.nothing)
    strangers: int = 0

    @cached_property
    def rates(self) -> dict[int, float]:
        """The learning rate that the pilots chose for each size."""
        return chosen_rates(self.cells)

    @cached_property
    def chosen(self) -> pd.DataFrame:
        """The cells at the chosen learning rates, finished or not, without the pilots that chose them."""
        at_rate = self.cells["parameters"].map(self.rates) == self.cells["learning_rate"]
        return self.cells[at_rate & (self.cells["role"] != "pilot")]

    @cached_property
    def kept(self) -> pd.DataFrame:
        """The finished cells among the chosen, with ``kl_B`` and ``ce_B`` of the kept checkpoint."""
        frame = self.chosen[self.chosen["status"] == "finished"]
        read = self.read
        return frame.assign(
            kl_B=[np.asarray(row.kl_CB, dtype=np.float64)[_kept(row)][read] for row in frame.itertuples()],
            ce_B=[np.asarray(row.ce_CB, dtype=np.float64)[_kept(row)][read] for row in frame.itertuples()],
        )

    @cached_property
    def read(self) -> slice:
        """The evaluation sequences whose numbers may be reported."""
        return reported(self.stopping, len(self.bayes_nll_B))

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


def reported(stopping: Stopping, sequences: int) -> slice:
    """Return which evaluation sequences may be reported: under "best", the half that did not choose the checkpoint."""
    return slice(sequences // 2, None) if stopping == "best" else slice(None)


def chosen_rates(cells: pd.DataFrame) -> dict[int, float]:
    """Return for each size the learning rate whose pilots have the lowest mean K.

    Pilots have draws of their own and are scored on the first half of the evaluation sequences. A rate with a diverged
    replicate, or a K that is not finite, is never chosen; of equals, the smaller rate. A size none of whose rates
    survives is left out.

    Error: the lowest of several noisy means is itself too low, but nothing that is reported is a pilot's; under the
    stopping rule "final" the reported cells share the first half of the sequences with the choice.
    """
    rates: dict[int, float] = {}
    for size, group in cells[cells["role"] == "pilot"].groupby("parameters"):
        scores = {
            float(rate): float(np.mean([_pilot_k(row) for row in tried.itertuples()]))
            for rate, tried in group.groupby("learning_rate")
            if (tried["status"] == "finished").all()
        }
        scores = {rate: score for rate, score in scores.items() if np.isfinite(score)}
        if scores:
            rates[int(size)] = min(scores, key=lambda rate: (scores[rate], rate))
    return rates


def block(*groups: pd.DataFrame, column: str = "kl_B") -> Block:
    """Return the replicates that all groups share, as one block of one quantity per group."""
    indexed = [group.set_index(["draw", "initialisation"])[column] for group in groups]
    if not all(series.index.is_unique for series in indexed):
        raise NoInformation("two finished cells of one group have the same seeds, so they are no replicates; keep one.")
    shared = sorted(set.intersection(*(set(series.index) for series in indexed)))
    if not shared:
        raise NoInformation("no replicate is common to these groups; each needs one finished cell with the same seeds.")
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


def _pilot_k(row: object) -> float:
    """Mean K of the kept checkpoint over the first half of the sequences."""
    kl_B = np.asarray(row.kl_CB, dtype=np.float64)[_kept(row)]  # type: ignore[attr-defined]
    return float(kl_B[: len(kl_B) // 2].mean())
