"""T3: does the signal-to-noise ratio of representations grow as D·Φ(P)/σ²?"""

from testbed.cell import Evaluation, Optimiser
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Budget, Noisy
from testbed.studies.grid import Grid, Training
from testbed.studies.grids import GridsStudy

BASE = BlockStationary(vocabulary=8, regimes=4, block_length=16, order=0, concentration=0.3)
FIRST, *REST = (Noisy(base=BASE, sigma=sigma) for sigma in (0.1, 0.2, 0.4))

QUICK = GridsStudy(
    name="snr_scaling",
    question="Does SNR grow as D·Φ(P)/σ², across contexts or across trainings?",
    world=FIRST,
    worlds=tuple(REST),
    model=Transformer(vocabulary=FIRST.alphabet, context=32, width=4, heads=1),
    grid=Grid(multiples=(1, 2, 4), tokens=(512, 2048, 8192), replicates=4),
    training=Training(steps=512, learning_rates=(0.016, 0.025, 0.04), pilots=1),
    optimiser=Optimiser(batch=8),
    evaluation=Evaluation(sequences=512, checkpoints=6),
    budget=Budget(tokens=2**17),
)

PRESETS = {"quick": QUICK}
