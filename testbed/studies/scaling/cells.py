"""The losses of a finished grid, read from its folder: the only place that looks into another run."""

import hashlib
from pathlib import Path

import pandas as pd

from testbed.ground.wording import short
from testbed.sources import Quantity, Truth
from testbed.store import Store
from testbed.studies.grid import GridStudy
from testbed.studies.grid.analysis import Analysis as GridAnalysis
from testbed.studies.scaling.analysis import COLUMNS
from testbed.studies.scaling.asked import World
from testbed.study import decode


def read(folder: str) -> tuple[pd.DataFrame, World]:
    """Return the loss of every reported run of a grid (its rate was chosen, it finished), and what is known of it.

    The loss is ε + K in nats per token, K the exact divergence at the kept checkpoint over the reported windows.

    Error: ValueError if no folder is named, or it holds no finished grid. ε enters every loss, so that what is fitted
    has the noise of K and of training, not that of sampled cross-entropies, which would shift all losses together.
    """
    if not folder:
        raise ValueError("grid='': no folder is named; it must be that of a finished grid; give --grid runs/demo, say.")
    store = Store.existing(Path(folder))
    study = store.spec(decode)
    if not isinstance(study, GridStudy):
        raise ValueError(
            f"grid={short(folder, 120)}: it holds a study of kind {study.kind}; name the folder of a finished grid."
        )
    analysis = study.analysis(store)
    checks = study.checks(analysis)
    missing = next((check for check in checks if check.name == "complete" and not check.passed), None)
    if missing is not None:
        raise ValueError(
            f"grid={short(folder, 120)}: it is not finished ({missing.sentence.rstrip('.')}); run it to its end."
        )
    failed = tuple(check.name for check in checks if not check.passed)
    return losses(analysis), world(study.name, analysis, store.read_json("truth.json", Truth), failed)


def losses(analysis: GridAnalysis) -> pd.DataFrame:
    """Return the losses of a grid's reported runs, a row each, in the columns of `COLUMNS`, in a fixed order."""
    kept = analysis.kept
    found = kept.assign(loss=[analysis.epsilon + float(kl_B.mean()) for kl_B in kept["kl_B"]])[COLUMNS]
    return found.sort_values(COLUMNS, ignore_index=True)


def digest(frame: pd.DataFrame, epsilon: float) -> str:
    """Return the sha256 of a table of losses and of ε, to the last bit."""
    return hashlib.sha256(f"{epsilon!r}\n{frame.to_csv(index=False)}".encode()).hexdigest()


def world(name: str, analysis: GridAnalysis, truth: Truth, failed: tuple[str, ...]) -> World:
    """Return what is known of the world of a grid."""
    return World(
        name=name,
        cells_sha256=digest(losses(analysis), analysis.epsilon),
        epsilon=analysis.epsilon,
        epsilon_error=analysis.epsilon_error,
        rate=truth.rate.value if isinstance(truth.rate, Quantity) else None,
        unigrams=truth.curve[0].value,
        failed=failed,
    )


def check_same(folder: str, expected: str, found: World) -> None:
    """Refuse a grid whose losses are not those that are asked for.

    Error: ValueError.
    """
    if expected not in ("", found.cells_sha256):
        raise ValueError(
            f"grid={short(folder, 120)}: its losses have the sha256 {found.cells_sha256[:16]}…, and cells_sha256 is"
            f" {short(expected[:16])}…; name the folder of that grid, or another --out."
        )
