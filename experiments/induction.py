"""Induction: does the loss of in-context Markov chains fall twice, with a plateau at counting single tokens between?

A published setting, arXiv 2402.11004: two symbols, a transition matrix drawn anew for each window of 100 tokens, two
layers of width 16. The model is not attention-only, which is no switch of it: two pre-norm layers with rotary positions
and a feed-forward layer of a single unit. The levels are exact: K of the uniform law and of the predictor that counts
single tokens, on the same windows, and K = 0 of the Bayes predictive, which counts pairs. K along training is that of
fresh data, over seeds, in one long run each; the stored data and the shorter horizons that every grid has are as small
as they can be and say nothing here.
"""

import msgspec

from testbed.cell import Evaluation, Optimiser
from testbed.model.transformer import Transformer
from testbed.predictors import Counting
from testbed.sources import InContextMarkov
from testbed.studies.grid import GridStudy
from testbed.studies.grid.guess import Guess
from testbed.studies.grid.layout import Grid, Training
from testbed.verdict import Claim, Kind

PAPER = "induction in stages (arXiv 2402.11004)"
INSTRUMENT = "instrument: true by construction, fails only if the testbed is wrong"


def claim(name: str, section: str, quantity: str, region: tuple[float | None, float | None], sentence: str) -> Claim:
    """Return a claim at level 0.95."""
    low, high = region
    kind: Kind = "instrument" if section == INSTRUMENT else "paper"
    return Claim(
        id=name, sentence=sentence, section=section, quantity=quantity, low=low, high=high, level=0.95, kind=kind,
        strict=low == 0,
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
        "plateau.pauses",
        PAPER,
        "plateau_pause",
        (0.0, None),
        "The loss pauses where single tokens are counted: it stays there longer than just above and just below.",
    ),
    claim(
        "plateau.lasts",
        PAPER,
        "plateau_length",
        (0.1, None),
        "The loss stays within a quarter of the level of counting single tokens for a tenth of a decade of steps.",
    ),
    claim(
        "falls.apart",
        PAPER,
        "falls_apart",
        (0.3, None),
        "From chance to counting single tokens, and only later to Bayes: the second fall takes twice the steps.",
    ),
    claim(
        "bayes.reached",
        PAPER,
        "end_over_plateau",
        (None, 0.1),
        "In the end the model is near Bayes: K is at most a tenth of what counting single tokens leaves.",
    ),
)

WORLD = InContextMarkov(vocabulary=2)

QUICK = GridStudy(
    name="induction",
    question="Does the loss of in-context Markov chains pause at counting single tokens before it falls to Bayes?",
    world=WORLD,
    model=Transformer(vocabulary=WORLD.alphabet, context=100, width=16, heads=1, hidden=1, positions="rotary"),
    grid=Grid(multiples=(1,), tokens=(3200,), replicates=8),
    training=Training(steps=1024, ratio=8, learning_rates=(0.003,), pilots=2, stopping="one pass"),
    optimiser=Optimiser(batch=32),
    evaluation=Evaluation(sequences=256, checkpoints=80),
    claims=CLAIMS,
    references=(Counting(order=0, pseudo_count=1.0), Counting(order=1, pseudo_count=1.0)),
    guess=Guess(bias=(0.002,), gap=0.02),
)

STANDARD = msgspec.structs.replace(
    QUICK,
    grid=Grid(multiples=(1,), tokens=(6400,), replicates=16),
    training=Training(steps=4096, ratio=8, learning_rates=(0.001, 0.0016, 0.0025), pilots=2, stopping="one pass"),
    optimiser=Optimiser(batch=64),
    evaluation=Evaluation(sequences=512, checkpoints=120),
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
