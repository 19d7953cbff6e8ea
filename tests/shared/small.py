"""A small experiment that trains in seconds, for tests of the whole path."""

import msgspec

from testbed.cell import Evaluation, Optimiser
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary
from testbed.studies.grid import GridStudy
from testbed.studies.grid.layout import Grid, Training

WORLD = BlockStationary(vocabulary=6, regimes=2, block_length=4, concentration=0.3)

EXPERIMENT = GridStudy(
    name="small",
    question="Does the path work?",
    world=WORLD,
    model=Transformer(vocabulary=6, context=16, width=4, layers=1),
    grid=Grid(multiples=(1, 2), tokens=(64, 256), replicates=2),
    training=Training(steps=32, ratio=2, learning_rates=(0.01, 0.03)),
    optimiser=Optimiser(batch=4),
    evaluation=Evaluation(sequences=8, checkpoints=5),
)


def varied(**changes):
    """The small experiment with some fields replaced."""
    return msgspec.structs.replace(EXPERIMENT, **changes)
