"""T1 beyond blocks: do slow correlations keep the 1/n law, and does its constant grow as they say?

Markov chains of two states with rising second eigenvalue λ: under uniform attention n·T over the variance of a token's
value is (1+λ)/(1−λ) in the limit, and known exactly at every n. The paper states the generalisation from blocks to
mixing without proof; here the slope must survive and the constant must follow.
"""

import msgspec

from testbed.model.transformer import Transformer
from testbed.sources import Markov
from testbed.studies.noise import Arm, NoiseStudy
from testbed.verdict import Claim
from testbed.weights import AnyWeights, Fresh, Uniform

PAPER = "T1: from blocks to mixing"
SHORTER = (96, 192, 384, 768, 1536, 3072)
EIGENVALUES = (-0.5, 0.0, 0.5, 0.8, 0.9, 0.95)
MODEL = Transformer(
    vocabulary=2, context=64, width=4, layers=1, heads=1, hidden=8, layout="paper", positions="none",
    query_bound=2.0, key_bound=2.0, value_bound=8.0, feedforward_lipschitz=1.0, feedforward_bound=4.0,
)  # fmt: skip


def arm(eigenvalue: float, kind: str, weights: AnyWeights) -> Arm:
    """Return a chain of two states that stays with probability (1+λ)/2; one that forgets soon needs no long windows."""
    stay = (1 + eigenvalue) / 2
    return Arm(
        name=f"{kind} λ={eigenvalue:g}",
        switch=f"second eigenvalue {eigenvalue:g}, {kind} weights",
        world=Markov(vocabulary=2, rows=((stay, 1 - stay), (1 - stay, stay))),
        model=MODEL,
        weights=weights,
        lengths=None if eigenvalue > 0.8 else SHORTER,
    )


ARMS = (
    *(arm(eigenvalue, "uniform", Uniform()) for eigenvalue in EIGENVALUES),
    arm(0.9, "random", Fresh()),
)


def claims(arms: tuple[Arm, ...]) -> tuple[Claim, ...]:
    """Return for each chain: the slope, and T against its exact value at every length."""
    found = []
    for each in arms:
        where = f"{each.name}/1/attention/query"
        slope = f"Noise given the query falls as 1/n (slope −1 ± 0.05): {each.switch}."
        value = f"T is the sum of correlations that theory gives, within 5 %, over the longer lengths: {each.switch}."
        for name, quantity, low, high, sentence in (
            ("slope", "noise_slope", -1.05, -0.95, slope),
            ("constant", "noise_constant", 0.95, 1.05, value),
        ):
            region = {"low": low, "high": high, "level": 0.95}
            named = {"id": f"{each.name}: {name}", "sentence": sentence, "section": PAPER}
            found.append(Claim(**named, quantity=quantity, about=where, **region))
    return tuple(found)


QUICK = NoiseStudy(
    name="clt_mixing",
    question="Do correlations that decay slowly keep the 1/n law, with the constant that their sum gives?",
    arms=ARMS,
    lengths=(256, 512, 1024, 2048, 4096, 8192),
    sequences=2304,
    fewest=1024,
    tokens=2**22,
    kept=2048,
    claims=claims(ARMS),
)

STANDARD = msgspec.structs.replace(
    QUICK,
    arms=tuple(msgspec.structs.replace(each, lengths=None) for each in ARMS),
    lengths=(256, 512, 1024, 2048, 4096, 8192, 16384, 32768),
    sequences=32768,
    fewest=8192,
    tokens=2**27,
    kept=8192,
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
