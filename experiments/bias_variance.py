"""T2: does the loss split as ε + B(P) + V(P, D), with B falling with P alone and V falling with D?

The worlds are block-stationary and their entropy is known exactly, so that every model's excess loss is an exact
divergence. In the quick preset each block opens with the own symbol of one of 32 regimes, the truth has a closed form,
and each model is too narrow for the laws of so many regimes: logits of rank width leave a floor that falls from size to
size, so that every step of B(P) has a true sign. In the standard preset the regimes are hidden Markov chains, which a
model must infer and which cost more training than two CPU cores have.
"""

import msgspec

from testbed.cell import Evaluation, Optimiser
from testbed.model.transformer import Transformer
from testbed.predictors import CLASSICAL
from testbed.sources import BlockStationary
from testbed.studies.grid import GridStudy
from testbed.studies.grid.layout import Grid, Training
from testbed.verdict import Claim, Kind

PAPER = "T2: bias-variance decomposition of the loss"
INSTRUMENT = "instrument: true by construction, fails only if the testbed is wrong"


EXPLORATORY = ("three.terms",)
"""What the design decides in few runs only: Ω is all that a ladder may still gain; see `testbed power`."""


STRICT = (
    *("bias.falls", "bias.falls.attained", "returns.diminish", "variance.falls", "variance.dominates"),
    *("bias.dominates", "variance.size"),
)
"""What says falls, rises or above: a step of exactly 0 is none."""


def claim(name: str, section: str, quantity: str, region: tuple[float | None, float | None], sentence: str) -> Claim:
    """Return a claim at level 0.95."""
    low, high = region
    kind: Kind = "instrument" if section == INSTRUMENT else "paper"
    return Claim(
        id=name, sentence=sentence, section=section, quantity=quantity, low=low, high=high, level=0.95, kind=kind,
        exploratory=name in EXPLORATORY, strict=name in STRICT,
    )  # fmt: skip


CLAIMS = (
    claim(
        "floor",
        INSTRUMENT,
        "lowest_excess",
        (-0.01, None),
        "ε is irreducible: no model has a loss below the entropy of the data, within 0.01 nats.",
    ),
    claim(
        "sum",
        INSTRUMENT,
        "parts_add_up",
        (None, 0.05),
        "The measured loss is ε plus the two parts of the exact identity, within 0.05 nats.",
    ),
    claim(
        "bias.falls",
        PAPER,
        "bias_step",
        (None, 0.0),
        "The bias B(P) falls as the model grows: at every step from one size to the next.",
    ),
    claim(
        "bias.falls.attained",
        PAPER,
        "online_step",
        (None, 0.0),
        "The loss attained on fresh data, B(P) and what optimisation leaves, falls at every step in size.",
    ),
    claim(
        "returns.diminish",
        PAPER,
        "online_bend",
        (0.0, None),
        "Returns diminish: the loss on fresh data flattens, its slope over log P rising at every step in size.",
    ),
    claim(
        "bias.alone",
        PAPER,
        "bias_on_tokens",
        (-0.05, 0.05),
        "The bias depends on P alone: KL(p*‖p̄) of the kept models does not change with D (exponent 0 ± 0.05).",
    ),
    claim(
        "split.unique",
        PAPER,
        "biases_apart",
        (None, 0.05),
        "The split is unique: KL(p*‖p̄) of the kept models is B(P), the least loss attainable, within 0.05 nats.",
    ),
    claim(
        "variance.falls",
        PAPER,
        "variance_step",
        (None, 0.0),
        "The variance V(P, D) falls with more training data: at every step in D, for every size.",
    ),
    claim(
        "variance.inverse",
        PAPER,
        "variance_departure",
        (None, 0.1),
        "V is inversely proportional to D: its local exponents are all within 0.1 of 1.",
    ),
    claim(
        "variance.dominates",
        PAPER,
        "variance_over_bias",
        (0.0, None),
        "Variance dominates where data are few: V(P, D) is above B(P) at the fewest tokens, for every size.",
    ),
    claim(
        "three.terms",
        PAPER,
        "optimisation_residue",
        (None, 0.1),
        "Three terms suffice: at most a tenth of the largest model's excess loss is left by optimisation.",
    ),
)

MORE_CLAIMS = (
    *CLAIMS,
    claim(
        "bias.dominates",
        PAPER,
        "bias_over_variance",
        (0.0, None),
        "Bias dominates where data are many: B(P) is above V(P, D) at the most tokens, for every size.",
    ),
    claim(
        "variance.size",
        PAPER,
        "variance_size_step",
        (None, 0.0),
        "The variance V(P, D) falls as the model grows: at every step in size, for every D.",
    ),
    claim(
        "orthogonal",
        PAPER,
        "bias_variance_correlation",
        (-0.5, 0.5),
        "Bias and variance are orthogonal: over cells, given D, log B and log V correlate by less than 0.5.",
    ),
)
"""What takes more sizes and more tokens than a quick run has."""

SMALL_WORLD = BlockStationary(
    vocabulary=32, regimes=32, block_length=16, boundaries="announced", order=0, concentration=0.3
)
WORLD = BlockStationary(vocabulary=32, regimes=4, block_length=16)

QUICK = GridStudy(
    name="bias_variance",
    question="Does a language model's loss split as ε + B(P) + V(P, D), B falling with P alone and V falling with D?",
    world=SMALL_WORLD,
    model=Transformer(vocabulary=SMALL_WORLD.alphabet, context=32, width=4, heads=1),
    grid=Grid(multiples=(1, 2, 3), tokens=(512, 2048, 8192), replicates=6),
    training=Training(steps=1024, ratio=4, learning_rates=(0.01, 0.016, 0.025, 0.04, 0.063, 0.1)),
    optimiser=Optimiser(batch=8),
    evaluation=Evaluation(sequences=512, checkpoints=10),
    claims=CLAIMS,
    references=CLASSICAL,
)

STANDARD = msgspec.structs.replace(
    QUICK,
    world=WORLD,
    model=Transformer(vocabulary=WORLD.alphabet, context=64, width=8),
    grid=Grid(
        multiples=(1, 2, 3, 4, 6, 8, 12, 16),
        tokens=(4096, 16384, 65536, 131072, 262144, 524288, 1048576, 2097152),
        replicates=8,
    ),
    training=Training(steps=4096, learning_rates=(0.0016, 0.0025, 0.004, 0.0063, 0.01, 0.016, 0.025)),
    optimiser=Optimiser(batch=16),
    evaluation=Evaluation(sequences=512, checkpoints=20),
    claims=MORE_CLAIMS,
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
