"""T2: does the loss split as ε + B(P) + V(P, D), with B falling with P alone and V falling with D?

The world is block-stationary with hidden regimes, and its entropy is known exactly, so that every model's excess loss
is an exact divergence. Smaller models cannot hold the regimes' tables (B is clearly positive); the largest can.
"""

import msgspec

from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary
from testbed.spec import Evaluation, Experiment, Grid, Optimiser, Training
from testbed.verdict import Claim

SECTION = "T2, bias-variance decomposition of the loss"

CLAIMS = (
    Claim(
        id="T2.floor",
        sentence="ε is irreducible: no model reaches a loss below the entropy of the data.",
        section=SECTION,
        estimate="lowest_excess",
        low=0.0,
        high=None,
        level=0.95,
    ),
    Claim(
        id="T2.sum",
        sentence="The expected loss is the sum of ε, a bias and a variance; nothing is left over (within 0.05 nats).",
        section=SECTION,
        estimate="parts_add_up",
        low=None,
        high=0.05,
        level=0.95,
    ),
    Claim(
        id="T2.bias.falls",
        sentence="The bias B(P) falls as the model grows: at every step from one size to the next.",
        section=SECTION,
        estimate="bias_step",
        low=None,
        high=0.0,
        level=0.95,
    ),
    Claim(
        id="T2.bias.falls.attained",
        sentence="The loss attained on unlimited data, B(P) and what optimisation leaves, falls at every step in size.",
        section=SECTION,
        estimate="online_step",
        low=None,
        high=0.0,
        level=0.95,
    ),
    Claim(
        id="T2.bias.alone",
        sentence="The bias depends on P alone: B does not change with D (exponent of B in D within 0.05 of zero).",
        section=SECTION,
        estimate="bias_on_tokens",
        low=-0.05,
        high=0.05,
        level=0.95,
    ),
    Claim(
        id="T2.variance.falls",
        sentence="The variance V(P, D) falls as the training data grow: the exponent of V in D is positive.",
        section=SECTION,
        estimate="variance_exponent",
        low=0.0,
        high=None,
        level=0.95,
    ),
    Claim(
        id="T2.variance.rate",
        sentence="V is inversely proportional to D: its exponent is 1 (within 0.1).",
        section=SECTION,
        estimate="variance_exponent",
        low=0.9,
        high=1.1,
        level=0.95,
    ),
    Claim(
        id="T2.three.terms",
        sentence="Three terms suffice: at most a tenth of the largest model's excess loss is left by optimisation.",
        section=SECTION,
        estimate="optimisation_residue",
        low=None,
        high=0.1,
        level=0.95,
    ),
)

SMALL_WORLD = BlockStationary(vocabulary=32, regimes=16, block_length=16, order=0, concentration=0.3)
WORLD = BlockStationary(vocabulary=32, regimes=4, block_length=16)

QUICK = Experiment(
    name="bias_variance",
    question="Does a language model's loss split as ε + B(P) + V(P, D), B falling with P alone and V falling with D?",
    world=SMALL_WORLD,
    model=Transformer(vocabulary=SMALL_WORLD.alphabet, context=32, width=4, heads=1),
    grid=Grid(multiples=(1, 2, 4, 8), tokens=(1024, 4096, 16384, 65536, 262144), replicates=4),
    training=Training(steps=2048, learning_rates=(0.015, 0.04, 0.1)),
    optimiser=Optimiser(batch=16),
    evaluation=Evaluation(sequences=512, checkpoints=14),
    claims=CLAIMS,
)

STANDARD = msgspec.structs.replace(
    QUICK,
    world=WORLD,
    model=Transformer(vocabulary=WORLD.alphabet, context=64, width=8),
    grid=Grid(
        multiples=(1, 2, 3, 4, 6, 8, 12, 16),
        tokens=(4096, 16384, 65536, 131072, 262144, 524288, 1048576, 4194304),
        replicates=8,
    ),
    training=Training(steps=2048, learning_rates=(0.002, 0.006, 0.018)),
    optimiser=Optimiser(batch=64),
    evaluation=Evaluation(sequences=512, checkpoints=20),
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
