"""One run's tables, ready to be asked: kept numbers, learning rates, replicates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from testbed.cell import PILOTS
from testbed.sources import Truth
from testbed.stats.identified import NoInformation
from testbed.stats.moments import Block
from testbed.studies.grid import references
from testbed.studies.grid.layout import Rule, Tuned
from testbed.studies.grid.rates import about, chosen_rates, kept_at


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
    ``decay`` are the declared least and greatest exponent by which fresh data approach B(P) with the horizon,
    ``floors`` the loss that models of a size are not found to undercut, by size, where the world offers one;
    ``flops_per_token`` the training FLOPs of one token, by size; ``alphabet`` the number of symbols.
    """

    cells: pd.DataFrame
    ensembles: pd.DataFrame
    epsilon: float
    epsilon_error: float
    bayes_nll_B: np.ndarray
    stopping: Rule
    measured: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    bayes_entropy_B: np.ndarray | None = None
    nested: bool = False
    truth: Truth | None = None
    references: pd.DataFrame = field(default_factory=references.nothing)
    strangers: int = 0
    decay: tuple[float, float] = (0.25, 2.0)
    floors: Mapping[int, float] = field(default_factory=dict)
    flops_per_token: Mapping[int, int] = field(default_factory=dict)
    alphabet: int = 0

    @cached_property
    def rates(self) -> dict[Tuned, float]:
        """The learning rate that the pilots chose for each horizon and each D of each size."""
        return chosen_rates(self.cells)

    @cached_property
    def chosen(self) -> pd.DataFrame:
        """The cells at the chosen learning rates, finished or not, without the pilots that chose them."""
        rest = self.cells[~self.cells["role"].isin(PILOTS)]
        chosen = [self.rates.get(about(row)) == row.learning_rate for row in rest.itertuples()]
        return rest[np.array(chosen, dtype=bool)]

    @cached_property
    def kept(self) -> pd.DataFrame:
        """The finished cells among the chosen, with ``kl_B`` and ``ce_B`` of the kept checkpoint."""
        frame = self.chosen[self.chosen["status"] == "finished"]
        read = self.read
        return frame.assign(
            kl_B=[np.asarray(row.kl_CB, dtype=np.float64)[kept_at(row)][read] for row in frame.itertuples()],
            ce_B=[np.asarray(row.ce_CB, dtype=np.float64)[kept_at(row)][read] for row in frame.itertuples()],
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
        """For each size with an online run, the stored D that runs finished on, ascending."""
        return {size: sorted(int(d) for d in self._select(size, "stored")["tokens"].unique()) for size in self.horizons}

    def check_whole(self) -> None:
        """Refuse a grid of which a whole group of runs diverged: what is said of every size and D would pass it over.

        Error: NoInformation that names the first such group.
        """
        for key, group in self.chosen.groupby(["parameters", "role", "tokens", "horizon"]):
            if not (group["status"] == "finished").any():
                size, role, tokens, horizon = key
                what = f"{size:g} parameters, {role}, D = {tokens:g}, {horizon:g} steps"
                known = "finished, so that nothing is known of every size and D"
                raise NoInformation(f"no run of {what} {known}; lower the learning rates.")

    def online(self, parameters: int, horizon: int) -> pd.DataFrame:
        """Return the kept online cells of one size and horizon."""
        return self._select(parameters, "online")[lambda frame: frame["horizon"] == horizon]

    def stored(self, parameters: int, tokens: int) -> pd.DataFrame:
        """Return the kept stored cells of one size and number of tokens."""
        return self._select(parameters, "stored")[lambda frame: frame["tokens"] == tokens]

    def _select(self, parameters: int, role: str) -> pd.DataFrame:
        return self.kept[(self.kept["parameters"] == parameters) & (self.kept["role"] == role)]


def reported(stopping: Rule, sequences: int) -> slice:
    """Return which evaluation sequences may be reported: under "best", the half that did not choose the checkpoint."""
    return slice(sequences // 2, None) if stopping == "best" else slice(None)


def block(*groups: pd.DataFrame, column: str = "kl_B") -> Block:
    """Return the replicates that all groups share, as one block of one quantity per group."""
    indexed = [_by_seed(group, column) for group in groups]
    if any(len(of) < len(group) for of, group in zip(indexed, groups, strict=True)):
        raise NoInformation("two finished cells of one group have the same seeds, so they are no replicates; keep one.")
    shared = sorted(set.intersection(*map(set, indexed)))
    if not shared:
        raise NoInformation("no replicate is common to these groups; each needs one finished cell with the same seeds.")
    values_RBQ = np.array([np.stack([of[seed] for of in indexed], axis=-1) for seed in shared])
    return Block(values_RBQ, _factors(shared))


def _by_seed(group: pd.DataFrame, column: str) -> dict[tuple[int, int], np.ndarray]:
    """Return a column by (draw, initialisation)."""
    seeds = zip(group["draw"].tolist(), group["initialisation"].tolist(), strict=True)
    return dict(zip(seeds, group[column], strict=True))


def _factors(seeds: list[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Replicates are independent if either seed differs in each; else draws and initialisations are crossed."""
    columns = tuple(zip(*seeds, strict=True))
    for column in columns:
        if len(set(column)) == len(seeds):
            return (column,)
    return columns
