"""Quanta: does the loss of multitask sparse parity fall with the exponents that the theory of quanta predicts?

A published law, arXiv 2303.13506: tasks of probability ∝ rank^−(1+α) are learned whole, one after the other, the most
frequent first. Where capacity limits how many, the loss above the floor falls as P^−α; where data do, as D^−α/(1+α).
Sums over the world itself have both exponents where tasks are many; here they are asked of trained transformers. Each
window is one block, a task's name, four bits and the parity of two of them, so that K holds what the law of the names
costs beside the tasks that are not solved. With 64 tasks the law of D bends within reach: see docs/science.md.
"""

import msgspec

from testbed.cell import Evaluation, Optimiser
from testbed.model.transformer import Transformer
from testbed.sources import Quanta
from testbed.studies.grid import GridStudy
from testbed.studies.grid.guess import Guess
from testbed.studies.grid.layout import Grid, Training
from testbed.verdict import Claim, Kind

PAPER = "scaling by quanta (arXiv 2303.13506)"
INSTRUMENT = "instrument: true by construction, fails only if the testbed is wrong"
ALPHA = 0.4
IN_DATA = ALPHA / (1 + ALPHA)
MARGIN = 0.1
"""By how much a measured exponent may differ from that of the theory and still count as it."""


def claim(name: str, section: str, quantity: str, region: tuple[float | None, float | None], sentence: str) -> Claim:
    """Return a claim at level 0.95."""
    low, high = region
    kind: Kind = "instrument" if section == INSTRUMENT else "paper"
    return Claim(
        id=name, sentence=sentence, section=section, quantity=quantity, low=low, high=high, level=0.95, kind=kind,
        strict=high == 0,
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
        "alpha.parameters",
        PAPER,
        "online_exponent",
        (ALPHA - MARGIN, ALPHA + MARGIN),
        "The loss on fresh data falls with the size as P to minus α = 0.4, within 0.1.",
    ),
    claim(
        "alpha.data",
        PAPER,
        "data_exponent",
        (IN_DATA - MARGIN, IN_DATA + MARGIN),
        "The loss of the largest size falls with stored data as D to minus α/(1+α) = 0.286, within 0.1.",
    ),
    claim(
        "loss.falls",
        PAPER,
        "variance_step",
        (None, 0.0),
        "The loss falls with more training data: at every step in D, for every size.",
    ),
)

WORLD = Quanta(tasks=64, bits=4, subset=2, alpha=ALPHA)
LARGE = Quanta(tasks=1024, bits=8, subset=3, alpha=ALPHA)

QUICK = GridStudy(
    name="quanta",
    question="Does the loss of sparse parities fall as P to minus α and D to minus α/(1+α)?",
    world=WORLD,
    model=Transformer(vocabulary=WORLD.alphabet, context=WORLD.period, width=4, heads=1),
    grid=Grid(multiples=(1, 2, 4), tokens=(1536, 6144, 24576), replicates=4),
    training=Training(steps=1024, learning_rates=(0.01, 0.02), pilots=1),
    optimiser=Optimiser(batch=64),
    evaluation=Evaluation(sequences=512, checkpoints=12),
    claims=CLAIMS,
    guess=Guess(bias=(0.08, 0.06, 0.045), variance=0.1, exponent=0.7, fresh_noise=0.2, stored_noise=0.15),
)

STANDARD = msgspec.structs.replace(
    QUICK,
    world=LARGE,
    model=Transformer(vocabulary=LARGE.alphabet, context=LARGE.period, width=8, heads=2),
    grid=Grid(multiples=(1, 2, 4, 8, 16), tokens=(20480, 81920, 327680, 1310720, 5242880), replicates=8),
    training=Training(steps=16384, learning_rates=(0.0016, 0.0025, 0.004, 0.0063, 0.01)),
    optimiser=Optimiser(batch=256),
    evaluation=Evaluation(sequences=2048, checkpoints=24),
    guess=None,
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
