"""The library's face: run a study, open what was run, ask for a truth; the command line is another face of the same."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import judging
from testbed.ground.options import Options
from testbed.ground.wording import short
from testbed.sources import Budget, Source, Truth
from testbed.store import ledger
from testbed.study import Study
from testbed.terminal.console import Console
from testbed.verdict import Verdict

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ARRAYS = "reference.parquet"
"""What a file's name ends in that holds arrays, not a table: the windows of a grid, or of a part of one."""


class Run:
    """The folder of a run: what was asked, what was measured, what is true; of a killed one, what there is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store, self._study = judging.opened(folder)

    @property
    def study(self) -> Study:
        """What was asked."""
        return self._study

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """One verdict per claim, with the interval of its estimate.

        Error: StoreError if the run is not judged, or damaged.
        """
        return ledger.read(self._store)

    @cached_property
    def tables(self) -> "Mapping[str, pd.DataFrame]":
        """The tables of the run by name, each a data frame; docs/tables.md tells every column.

        A grid leaves ``cells`` (a row for each run, with K, FLOPs, seconds, and whether its rate was chosen and it is
        compute-optimal), ``learning_curves`` (a row for each evaluated step of every run), ``compute`` (K against FLOPs
        and its attained frontier), ``estimates``, ``loss_parts``, ``diagnostics`` and the tables of its measures; noise
        ``levels``, ``fits`` and more.
        """
        names = sorted(path.stem for path in self.folder.glob("[!.]*.parquet") if not path.name.endswith(ARRAYS))
        return {name: self._store.read_frame(f"{name}.parquet") for name in names}

    @cached_property
    def truth(self) -> Truth | None:
        """What is known exactly of the world of a grid, in nats; None for other studies, or if it is not there yet."""
        return self._store.read_json("truth.json", Truth) if self._store.holds("truth.json") else None

    @property
    def digests(self) -> list[str]:
        """The names of the parts, trained or observed; tables `cells` and `trained` have them as ``digest``."""
        return self._store.digests()

    def parameters(self, digest: str) -> "dict[str, np.ndarray]":
        """Return the kept parameters of a trained model, by path.

        Error: ValueError if there is no such part, or it holds what was seen of a model; StoreError if damaged.
        """
        if digest not in self.digests:
            raise ValueError(f"{short(digest)!r}: the run has no part of this name; `digests` lists them.")
        if self._store.row(digest)["status"] == "observed":
            raise ValueError(
                f"{short(digest)!r}: it holds what was seen of a model; table `trained` names those trained."
            )
        return self._store.parameters(digest)

    @property
    def report(self) -> Path:
        """The page, one HTML file that needs no network."""
        return self.folder / judging.REPORT

    def __repr__(self) -> str:
        """Return folder, kind and name."""
        return f"Run({str(self.folder)!r}: {self._study.kind} study {self._study.name!r}, {len(self.digests)} parts)"


def run(study: Study, folder: str | Path, *, options: Options | None = None, quiet: bool = True) -> Run:
    """Train and measure what ``folder`` lacks of a study, judge it, and return the run.

    Killed and called again, it goes on. ``options`` say how the machine is used; unless ``quiet``, progress is printed.

    Error: ValueError for a study that cannot be; StoreError (a ValueError) for a folder that cannot be used.
    """
    from testbed import pipeline  # late: what only opens a run needs no trainer

    _check("study", study, Study, "a GridStudy or a NoiseStudy, say")
    _check("folder", folder, (str, Path), "a path")
    options = Options() if options is None else options
    _check("options", options, Options, "Options, or None")
    pipeline.run(study, Path(folder), options, Console(quiet=quiet))
    return Run(Path(folder))


def open(folder: str | Path) -> Run:
    """Return the run in a folder, whatever kind of study it is.

    Error: StoreError if there is none, or it is damaged.
    """
    return Run(Path(folder))


def truth(world: Source, length: int, budget: Budget | None = None) -> Truth:
    """Return the exact entropies of a world over a window of ``length`` tokens: h_t, ε, rate and oracle, in nats.

    >>> from testbed.sources import Iid
    >>> round(truth(Iid(vocabulary=2, weights=(0.5, 0.5)), 8).epsilon.value, 6)
    0.693147
    """
    _check("world", world, Source, "a world of testbed.sources")
    _check("length", length, int, "a whole number of tokens")
    _check("budget", budget, (Budget, type(None)), "a Budget, or None")
    return world.truth(length) if budget is None else world.truth(length, budget=budget)


def _check(name: str, value: object, kind: type | tuple[type, ...], rule: str) -> None:
    """Refuse a value of another kind."""
    if not isinstance(value, kind):
        raise ValueError(f"{name}={short(value)}: must be {rule}; give one.")
