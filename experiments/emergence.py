"""T4: does a capability appear abruptly once SNR passes a threshold that holds across worlds and noises?"""

from testbed.cell import Evaluation, Optimiser
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Budget, Facts, Noisy, Quanta
from testbed.studies.grid import Grid, Training
from testbed.studies.grids import GridsStudy

SIGMAS = (0.05, 0.15, 0.3)
BASES = (
    BlockStationary(vocabulary=8, regimes=4, block_length=16, order=0, concentration=0.3),
    Facts(facts=32, answers=4, zipf=1.2),
    Quanta(tasks=8, bits=4, subset=2, alpha=0.4),
)
FIRST, *REST = (Noisy(base=base, sigma=sigma) for base in BASES for sigma in SIGMAS)

QUICK = GridsStudy(
    name="emergence",
    question="Does a capability appear abruptly once SNR passes a threshold, the same for all worlds and noises?",
    world=FIRST,
    worlds=tuple(REST),
    model=Transformer(vocabulary=FIRST.alphabet, context=32, width=8, heads=1),
    grid=Grid(multiples=(1, 3), tokens=(512, 2048, 8192, 32768), replicates=8),
    training=Training(steps=512, learning_rates=(0.025,), pilots=1),
    optimiser=Optimiser(batch=8),
    evaluation=Evaluation(sequences=512, checkpoints=6),
    budget=Budget(tokens=2**17),
)

PRESETS = {"quick": QUICK}
