"""A finished grid whose losses are planted on Chinchilla's surface, as a folder and as tables; nothing is trained."""

import functools

import msgspec
import numpy as np
import pandas as pd

from testbed.cell import SCHEMA
from testbed.model.size import size
from testbed.store import Store
from testbed.studies.grid.layout import Grid, Training
from testbed.studies.grid.measures import measures, table_name
from testbed.studies.scaling import ScalingStudy
from testbed.studies.scaling.analysis import COLUMNS, ScalingAnalysis
from testbed.studies.scaling.asked import World
from testbed.studies.scaling.simulations import COLUMNS as SIMULATED
from testbed.studies.scaling.simulations import simulate
from tests.shared.small import varied

EPSILON, A, B, ALPHA, BETA = 1.2, 8.0, 30.0, 0.5, 0.7
SIZES, TOKENS, SEEDS = (300, 1_000, 3_000, 10_000, 30_000), (256, 1_024, 4_096, 16_384, 65_536), 3

GRID = varied(
    name="planted",
    grid=Grid(multiples=(1, 2, 3, 4), tokens=(64, 256, 1024, 4096), replicates=2),
    training=Training(steps=32, ratio=2, learning_rates=(0.01,), stopping="final", pilots=1),
)


def excess(parameters, tokens):
    """K of the surface, in nats."""
    return A * np.asarray(parameters, float) ** -ALPHA + B * np.asarray(tokens, float) ** -BETA


def frame(noise=0.001, seed=0, *, sizes=SIZES, tokens=TOKENS, seeds=SEEDS, role="stored"):
    """Losses of a surface with Gaussian noise of this standard deviation in log loss."""
    rng = np.random.default_rng(seed)
    rows = [(p, role, d, s, s, 0.0) for p in sizes for d in tokens for s in range(seeds)]
    made = pd.DataFrame(rows, columns=COLUMNS)
    loss_N = EPSILON + excess(made["parameters"], made["tokens"])
    return made.assign(loss=loss_N * np.exp(noise * rng.standard_normal(len(made))))


def world(**changes):
    """What is known of the planted world."""
    known = World(
        name="planted", cells_sha256="", epsilon=EPSILON, epsilon_error=0.0, rate=EPSILON, unigrams=5.0, failed=()
    )
    return msgspec.structs.replace(known, **changes)


def analysis(losses, known, *, simulated=False, **asked):
    """A study of planted losses, with simulations if asked for."""
    study = ScalingStudy(name="planted", question="?", **({"surfaces": 40} | asked))
    rows = simulate(study, known, losses, lambda done: None) if simulated else pd.DataFrame(columns=SIMULATED)
    return ScalingAnalysis(study=study, losses=losses, world=known, simulations=rows)


@functools.cache
def known():
    """The exact entropies of the world of the planted grid."""
    return GRID.world.truth(GRID.model.context)


def plant(folder, *, without=0, level=1.0, closure=0.0):
    """Leave a grid in a folder as a finished run does, ``without`` some of its cells; return its exact ε.

    K is ``level`` times the surface's; the exact identity is off by ``closure``.
    """
    store = Store.open(folder, GRID.pretty(), lambda saved: None)
    truth = known()
    epsilon, windows = truth.epsilon.value, GRID.evaluation.sequences
    store.write_json("truth.json", msgspec.to_builtins(truth))
    bayes_B = np.full(windows, epsilon)
    shared = {"bayes_nll_B": bayes_B, "bayes_entropy_B": bayes_B, "tokens_BL": np.zeros((windows, 16), np.int64)}
    store.write_arrays("reference.parquet", shared)
    for name in measures():
        rows = [{"parameters": 1, "role": "stored", "tokens": 64, "closure": closure}] if name == "split" else []
        store.write_frame(table_name(name), pd.DataFrame(rows))
    cells = (*GRID.pilot_cells(), *GRID.main_cells(dict.fromkeys(GRID.tuned(), 0.01)))
    rng = np.random.default_rng(0)
    for cell in cells[: len(cells) - without]:
        k = level * excess(size(cell.model).parameters, cell.tokens) * np.exp(0.01 * rng.standard_normal())
        kl_CB = np.outer([1.5, 1.0], np.full(windows, float(k)))
        evidence = {"kl_CB": kl_CB, "ce_CB": kl_CB + bayes_B, "train_loss_C": kl_CB.mean(1) + epsilon}
        evidence["step_C"] = np.array([1, cell.horizon])
        store.write(cell.digest, _row(cell), evidence, {"x": np.zeros(1)})
    return epsilon


def _row(cell):
    counted = size(cell.model)
    return {
        "schema": SCHEMA, "label": f"w{cell.model.width}", "parameters": counted.parameters,
        "parameters_body": counted.parameters_body, "context": 16, "role": cell.role, "tokens": cell.tokens,
        "draw": cell.draw, "initialisation": cell.initialisation, "learning_rate": cell.learning_rate,
        "horizon": cell.horizon, "batch": 4, "status": "finished", "sentence": "", "kept_step": cell.horizon,
        "seconds": 1.0, "spec": msgspec.json.encode(cell).decode(),
    }  # fmt: skip
