"""What a longer context is worth: loss, entropy and excess loss against the context length n (the paper's §5.1).

The regime of a block is hidden and must be inferred from the tokens before, so that the exact entropy ε_n falls with
the context length, ever more slowly, and a model that uses its context follows it. Sizes, data and steps are the same
at every n; each step reads as many tokens, in more or fewer windows.
"""

import msgspec

from testbed.cell import Evaluation, Optimiser
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary
from testbed.studies.grid import Grid, Training
from testbed.studies.grids import GridsStudy
from testbed.verdict import Claim

SECTION = "§5.1: the effect of the context length"


def claim(name: str, quantity: str, region: tuple[float | None, float | None], sentence: str) -> Claim:
    """Return a claim at level 0.95."""
    low, high = region
    return Claim(id=name, sentence=sentence, section=SECTION, quantity=quantity, low=low, high=high, level=0.95)


CLAIMS = (
    claim(
        "context.helps",
        "context_step",
        (None, 0.0),
        "A longer context lowers the loss: at every step in n, for the largest model.",
    ),
    claim(
        "context.diminishes",
        "context_bend",
        (0.0, None),
        "Returns of a longer context diminish: over log n, the loss flattens at every step.",
    ),
    claim(
        "context.used",
        "context_excess",
        (None, 0.05),
        "A longer context is used as well: K, the loss above ε_n, rises by at most 0.05 nats at any step in n.",
    ),
)

WORLD = BlockStationary(vocabulary=16, regimes=4, block_length=128, order=0, concentration=0.5)

QUICK = GridsStudy(
    name="context_length",
    question="What is a longer context worth: does the loss follow the entropy ε_n down, with diminishing returns?",
    world=WORLD,
    model=Transformer(vocabulary=WORLD.alphabet, context=4, width=16, heads=2, positions="rotary"),
    grid=Grid(multiples=(1,), tokens=(65536,), replicates=4),
    training=Training(steps=512, learning_rates=(0.01, 0.016, 0.025), pilots=1),
    optimiser=Optimiser(batch=64),
    evaluation=Evaluation(sequences=512, checkpoints=4),
    contexts=(8, 16, 32, 64),
    claims=CLAIMS,
)

STANDARD = msgspec.structs.replace(
    QUICK,
    grid=Grid(multiples=(1, 2, 4), tokens=(65536, 1048576), replicates=8),
    training=Training(steps=4096, learning_rates=(0.0025, 0.004, 0.0063, 0.01, 0.016, 0.025)),
    contexts=(8, 16, 32, 64, 128, 256),
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
