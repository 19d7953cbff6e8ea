"""T1: does the noise of a representation fall as 1/n and become Gaussian, where every assumption is kept?

Queries, keys and values are held in balls, attention is a softmax, the feed-forward network is smooth, bounded and held
to a Lipschitz constant, and worlds are stationary and mixing. Weights are random, trained once and observed at every
length, or retrained at each length with all else fixed. The claim is judged twice: literally (unconditional), where
the query token's own spread is a plateau unless attention ignores the query, and given the query token.
"""

import msgspec

from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Iid, Markov
from testbed.studies.noise import Arm, Fit, NoiseStudy
from testbed.verdict import Claim, Kind
from testbed.weights import Uniform

PAPER = "T1: hidden-representation noise"
WORDS = {
    "uniform": "plain averages of independent tokens",
    "iid": "independent tokens",
    "markov": "a Markov chain",
    "blocks": "blocks of 8 tokens with hidden regimes",
    "deep": "two layers on blocks of 4 tokens",
    "trained": "a model trained on blocks of 4 at n = 81",
    "refitted": "models trained anew at each length",
}


def claim(name: str, about: str, quantity: str, region: tuple[float | None, float | None], sentence: str) -> Claim:
    """Return a claim at level 0.95; plain averages of independent tokens check the instrument, not the paper."""
    low, high = region
    kind: Kind = "instrument" if about.startswith("uniform/") else "paper"
    region_of = {"low": low, "high": high, "level": 0.95}
    return Claim(id=name, sentence=sentence, section=PAPER, quantity=quantity, about=about, kind=kind, **region_of)


def falls(arm: str, place: str = "1/attention") -> Claim:
    """Return the claim that T given the query falls as 1/n."""
    where = f"layer {place.replace('/', ', ')}"
    sentence = f"Given the query token, noise falls as 1/n (slope −1 ± 0.05): {WORDS[arm]}, {where}."
    return claim(
        f"{arm}.falls.{place.replace('/', '.')}", f"{arm}/{place}/query", "noise_slope", (-1.05, -0.95), sentence
    )


def literal(arm: str) -> Claim:
    """Return the claim as the paper has it, unconditional."""
    sentence = f"Taken literally, unconditional noise of r falls as 1/n (slope −1 ± 0.05): {WORDS[arm]}."
    return claim(f"{arm}.literal", f"{arm}/1/representation/nothing", "noise_slope", (-1.05, -0.95), sentence)


def constant(arm: str, part: str = "attention") -> Claim:
    """Return the claim that n·T is what the central limit theorem says."""
    sentence = f"n·T of {part} is the predicted constant within 5 %, over the longer half of the lengths: {WORDS[arm]}."
    return claim(f"{arm}.constant.{part}", f"{arm}/1/{part}/query", "noise_constant", (0.95, 1.05), sentence)


def gaussian(arm: str, place: str = "1/attention") -> Claim:
    """Return the claim that the limit is Gaussian, as a distance."""
    sentence = f"At the longest length no projection is farther than 0.08 from Gaussian: {WORDS[arm]}, {place}."
    return claim(
        f"{arm}.gaussian.{place.replace('/', '.')}", f"{arm}/{place}/query", "noise_normal_distance", (None, 0.08),
        sentence,
    )  # fmt: skip


CLAIMS = (
    *(falls(arm) for arm in ("uniform", "iid", "markov", "blocks", "trained", "refitted")),
    *(falls("deep", f"{layer}/representation") for layer in (1, 2)),
    falls("blocks", "1/representation"),
    *(literal(arm) for arm in ("uniform", "iid", "blocks", "trained")),
    *(constant(arm) for arm in ("uniform", "iid", "markov", "blocks", "trained")),
    constant("blocks", "representation"),
    *(gaussian(arm) for arm in ("uniform", "iid", "markov", "blocks", "trained")),
    gaussian("deep", "2/representation"),
    claim(
        "rare.berry.esseen",
        "rare/1/attention/query",
        "noise_distance_exponent",
        (0.4, 0.6),
        "The distance to the normal law falls as n^−½ (exponent 0.5 ± 0.1): plain averages with a rare token.",
    ),
)

BLOCKS = BlockStationary(vocabulary=4, regimes=3, block_length=8, order=0, concentration=1.0)
BRIEF = msgspec.structs.replace(BLOCKS, block_length=4)
KEPT = Transformer(
    vocabulary=4, context=128, width=8, layers=1, heads=2, hidden=16, layout="paper", positions="none",
    query_bound=2.0, key_bound=2.0, value_bound=2.0, feedforward_lipschitz=1.0, feedforward_bound=4.0,
)  # fmt: skip
WIDE = msgspec.structs.replace(KEPT, value_bound=8.0)  # which no value meets, so that plain averages can be planted
TOKENS = Iid(vocabulary=4, weights=(0.4, 0.3, 0.2, 0.1))
LONG = (64, 256, 1024, 4096, 16384, 65536)
SHORT = (24, 36, 54, 81, 122, 183)

QUICK = NoiseStudy(
    name="clt_noise",
    question="Where every assumption is kept, does the noise of a representation fall as 1/n and become Gaussian?",
    arms=(
        Arm(name="uniform", switch="uniform attention", world=TOKENS, model=WIDE, weights=Uniform()),
        Arm(
            name="rare",
            switch="uniform attention, a rare token",
            world=Iid(vocabulary=2, weights=(0.95, 0.05)),
            model=msgspec.structs.replace(WIDE, vocabulary=2),
            weights=Uniform(),
            lengths=(16, 32, 64, 128, 256, 512),
        ),
        Arm(name="iid", switch="random weights", world=TOKENS, model=KEPT, lengths=LONG),
        Arm(name="markov", switch="random weights", world=Markov(vocabulary=4, smoothing=0.1), model=KEPT),
        Arm(name="blocks", switch="random weights", world=BLOCKS, model=KEPT),
        Arm(
            name="deep",
            switch="random weights, two layers",
            world=BRIEF,
            model=msgspec.structs.replace(KEPT, layers=2),
            lengths=(32, 48, 72, 108, 162, 243),
            sequences=1536,
            deep=True,
            part="representation",
        ),
        Arm(
            name="trained",
            switch="trained at n = 81",
            world=BRIEF,
            model=KEPT,
            fit=Fit(context=81, batch=8, steps=300),
        ),
        Arm(
            name="refitted",
            switch="trained anew at each n",
            world=BRIEF,
            model=KEPT,
            fit=Fit(batch=8, steps=300),
            lengths=SHORT,
            draws=3,
        ),
    ),
    lengths=(64, 128, 256, 512, 1024, 2048),
    sequences=4096,
    fewest=512,
    tokens=2**24,
    kept=2048,
    claims=CLAIMS,
)

STANDARD = msgspec.structs.replace(
    QUICK,
    arms=tuple(
        msgspec.structs.replace(
            arm,
            draws=8,
            lengths=(64, 128, 256, 512, 1024, 2048, 4096) if arm.deep else arm.lengths,
            sequences=8192 if arm.deep else None,
            fit=None if arm.fit is None else msgspec.structs.replace(arm.fit, steps=4000),
        )
        for arm in QUICK.arms
    ),
    lengths=(64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536),
    sequences=16384,
    fewest=4096,
    tokens=2**28,
    kept=16384,
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
