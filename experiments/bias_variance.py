"""T2: does the loss split as ε + B(P) + V(P, D), with B falling in P alone and V falling in D?"""

import msgspec

from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary
from testbed.spec import Evaluation, Experiment, Grid, Optimiser, Training
from testbed.verdict import Claim

CLAIMS = (
    Claim(
        id="T2-floor",
        sentence="ε is irreducible: no model has a loss below the entropy of the source.",
        section="bias-variance decomposition",
        estimate="lowest_excess",
        low=0.0,
        high=None,
        level=0.95,
    ),
)

WORLD = BlockStationary()

quick = Experiment(
    name="bias_variance",
    question="Does the loss split as ε + B(P) + V(P, D), B falling with P alone and V falling with D?",
    world=WORLD,
    model=Transformer(vocabulary=WORLD.alphabet, context=64, width=8),
    grid=Grid(multiples=(1, 2), tokens=(2048, 8192)),
    training=Training(steps=40, learning_rates=(0.003, 0.01)),
    optimiser=Optimiser(batch=32),
    evaluation=Evaluation(sequences=64, checkpoints=6),
    claims=CLAIMS,
)

PRESETS = {"quick": quick}
