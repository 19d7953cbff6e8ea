"""A small study of noise that is observed in seconds, as a file that the command line takes."""

import msgspec

from testbed.model.transformer import Transformer
from testbed.sources import Iid, OneRegime
from testbed.studies.noise import Arm, Fit, NoiseStudy
from testbed.verdict import Claim
from testbed.weights import Uniform

MODEL = Transformer(
    vocabulary=3, context=16, width=4, layers=1, heads=2, hidden=4, layout="paper", positions="none"
)  # fmt: skip
TOKENS = Iid(vocabulary=3, weights=(0.5, 0.3, 0.2))
REGIMES = OneRegime(vocabulary=3, regimes=2, order=0, laws=(((0.8, 0.1, 0.1),), ((0.1, 0.1, 0.8),)))


def claim(name, about, quantity, low, high):
    """A claim whose sentence is of no interest."""
    return Claim(
        id=name, sentence=f"{name} holds.", section="tests", quantity=quantity, about=about, low=low, high=high,
        level=0.9,
    )  # fmt: skip


CLAIMS = (
    claim("falls", "tokens", "noise_slope", -1.3, -0.5),
    claim("constant", "tokens/1/attention/query", "noise_constant", 0.7, 1.3),
    claim("stays", "regimes", "noise_slope", -1.3, -0.6),
    claim("trained falls", "trained", "noise_slope", -1.5, 0.5),
)

STUDY = NoiseStudy(
    name="small_noise",
    question="Does the path work?",
    arms=(
        Arm(name="tokens", drops="several", switch="no bounds", world=TOKENS, model=MODEL, weights=Uniform()),
        Arm(name="regimes", drops="several", switch="one regime", world=REGIMES, model=MODEL, deep=True),
        Arm(
            name="trained",
            drops="several",
            switch="trained",
            world=TOKENS,
            model=MODEL,
            fit=Fit(steps=8, batch=4, context=8),
            draws=2,
        ),
    ),
    lengths=(4, 6, 8, 12, 16, 24),
    sequences=400,
    fewest=200,
    tokens=2**13,
    kept=150,
    claims=CLAIMS,
)

PRESETS = {"quick": STUDY, "other": msgspec.structs.replace(STUDY, claims=CLAIMS[:1])}
