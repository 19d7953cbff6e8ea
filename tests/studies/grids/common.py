"""What tests of grids share: a run of four planes that is trained in seconds, and a study that is only simulated."""

import msgspec

from testbed.cell import Evaluation, Optimiser
from testbed.ground.options import Options
from testbed.model.transformer import Transformer
from testbed.pipeline import run
from testbed.sources import BlockStationary, Budget, Facts, Noisy
from testbed.studies.grid import Grid, Training
from testbed.studies.grids import GridsStudy
from testbed.terminal.console import Console
from testbed.verdict import Claim

QUIET = Console(quiet=True)
REGIMES = BlockStationary(vocabulary=4, regimes=2, block_length=4, boundaries="announced", order=0, concentration=0.2)
SMALL = GridsStudy(
    name="small_grids",
    question="Does the path work?",
    world=Noisy(base=REGIMES, sigma=0.1),
    worlds=(Noisy(base=REGIMES, sigma=0.4),),
    contexts=(16,),
    model=Transformer(vocabulary=REGIMES.alphabet, context=8, width=4, layers=1, heads=1, positions="rotary"),
    grid=Grid(multiples=(1, 2), tokens=(64, 256), replicates=3),
    training=Training(steps=32, ratio=2, learning_rates=(0.02,), pilots=1),
    optimiser=Optimiser(batch=4),
    evaluation=Evaluation(sequences=32, checkpoints=3),
    budget=Budget(tokens=2**12),
)
BASES = (BlockStationary(vocabulary=4, regimes=4, block_length=16, order=0), Facts(facts=16, answers=4))


def claim(name, quantity, low, high, **more):
    """A claim whose sentence is of no interest."""
    return Claim(id=name, sentence=f"{name}.", section="t", quantity=quantity, low=low, high=high, level=0.95, **more)


def imagined(*, bases=BASES[:1], sigmas=(0.1, 0.2, 0.4), contexts=(), **more):
    """A study of several noises whose runs are simulated, never trained."""
    first, *rest = (Noisy(base=base, sigma=sigma) for base in bases for sigma in sigmas)
    fields = {
        "grid": Grid(multiples=(1, 2, 4), tokens=(128, 512, 2048, 8192), replicates=6),
        "evaluation": Evaluation(sequences=16, checkpoints=3),
        "model": Transformer(vocabulary=first.alphabet, context=32, width=4, heads=1),
        "budget": Budget(tokens=2**10),
    }
    return msgspec.structs.replace(SMALL, world=first, worlds=tuple(rest), contexts=contexts, **fields | more)


def ran(study, folder):
    return run(study, folder, Options(simulations=0), QUIET)
