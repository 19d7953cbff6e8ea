"""T1: which assumption carries the 1/n law? Each is dropped alone, and the measured decay is held against theory.

The arm `kept` keeps all of them: blocks of bounded length (A3), queries, keys and values in balls (A1), softmax (A2), a
smooth feed-forward network with bounds on slope and output (A4). Every other arm drops one, or none where a switch
looks dangerous and is not. Where a prediction needs it, weights are planted, and such arms have a control with the same
weights that keeps everything: `smooth control` for plain averages and a kink that sits at the mean, `bounded logits`
for logits that are exactly Gaussian, in balls so wide that no key meets them.
"""

from collections.abc import Iterator

import msgspec

from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward.gelu import Gelu
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.relu import Relu
from testbed.model.feedforward.step import Step
from testbed.model.noise.gaussian import Gaussian
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Iid, OneRegime
from testbed.studies.noise import Arm, NoiseStudy
from testbed.studies.noise.arms import Dropped
from testbed.verdict import Claim
from testbed.weights import GaussianLogits, Kink, Uniform

PAPER = "T1: which assumption the law of noise needs"
LEVEL = 0.95
LOGITS = (0.5, 1.0, 1.5, 2.0, 2.5)

KEPT = Transformer(
    vocabulary=4, context=64, width=8, layers=1, heads=2, hidden=16, layout="paper", positions="none",
    query_bound=2.0, key_bound=2.0, value_bound=2.0, feedforward_lipschitz=1.0, feedforward_bound=4.0,
)  # fmt: skip
FREE = {"query_bound": None, "key_bound": None, "value_bound": None}
UNHELD = {"feedforward_lipschitz": None, "feedforward_bound": None}
BLOCKS = BlockStationary(vocabulary=4, regimes=3, block_length=4, order=0, concentration=1.0)
APART = tuple((tuple(0.97 if symbol == regime else 0.01 for symbol in range(4)),) for regime in range(4))
"""Four regimes that hardly share a symbol, so that long blocks make nearly all of the noise."""
TOKENS = Iid(vocabulary=4, weights=(0.4, 0.3, 0.2, 0.1))
NOISY = Transformer(
    vocabulary=4, context=64, width=3, layers=1, heads=1, head_width=1, hidden=4, layout="paper", positions="none",
    query_bound=1.0, embedding_noise=Gaussian(deviation=1.0), feedforward_lipschitz=1.0, feedforward_bound=4.0,
)  # fmt: skip
BALLS = msgspec.structs.replace(NOISY, key_bound=64.0, value_bound=16.0)


def model(**changes: object) -> Transformer:
    """Return the model that keeps all assumptions, with some switches changed."""
    return msgspec.structs.replace(KEPT, **changes)


def logits(deviation: float) -> Arm:
    """Return the arm of Gaussian logits of a standard deviation."""
    return Arm(
        name=f"logits s={deviation:g}",
        drops="A1",
        switch=f"unbounded keys: Gaussian logits of deviation {deviation:g}",
        world=TOKENS,
        model=NOISY,
        weights=GaussianLogits(deviation=deviation),
    )


def chosen(name: str, switch: str, drops: Dropped, attention: object) -> Arm:
    """Return an arm whose attention reads keys of a continuum, in balls, with Gaussian scores of deviation 1."""
    return Arm(
        name=name,
        drops=drops,
        switch=switch,
        world=TOKENS,
        model=msgspec.structs.replace(BALLS, attention=attention),
        weights=GaussianLogits(deviation=1.0),
    )


def kinked(name: str, switch: str, nonlinearity: object, drops: Dropped) -> Arm:
    """Return an arm whose feed-forward network has its kink at the mean of A, and one hidden unit.

    What has a slope is held to the bounds of A4.
    """
    held = {} if drops == "none" else UNHELD
    return Arm(
        name=name,
        drops=drops,
        switch=switch,
        world=BLOCKS,
        model=model(feedforward=nonlinearity, hidden=1, value_bound=8.0, **held),
        weights=Kink(),
        part="feedforward",
    )


ARMS = (
    Arm(name="kept", switch="nothing", world=BLOCKS, model=KEPT),
    Arm(
        name="L2 distance",
        switch="L2 attention in place of softmax, Lipschitz too",
        world=BLOCKS,
        model=model(attention=L2Distance()),
    ),
    Arm(name="no balls", drops="A1", switch="no bounds M_Q, M_K, M_V", world=BLOCKS, model=model(**FREE)),
    Arm(
        name="gain 3",
        drops="A1",
        switch="no bounds, and logits times 3",
        world=BLOCKS,
        model=model(logit_gain=3.0, **FREE),
    ),
    *(logits(deviation) for deviation in LOGITS),
    Arm(
        name="heavy values",
        drops="A1",
        switch="values with Student's noise, tail index 1.5",
        world=TOKENS,
        model=model(embedding_noise=Student(scale=3.0, freedom=1.5), **FREE),
        weights=Uniform(),
    ),
    chosen("bounded logits", "Gaussian logits of deviation 1, of keys in balls", "none", Softmax()),
    Arm(
        name="cold",
        switch="softmax at τ = 0.1, Lipschitz still",
        world=BLOCKS,
        model=model(attention=Softmax(temperature=0.1)),
    ),
    Arm(
        name="hard max, few keys",
        drops="A2",
        switch="hard max, finitely many keys",
        world=BLOCKS,
        model=model(attention=HardMax()),
    ),
    chosen("hard max", "hard max, continuous keys", "A2", HardMax()),
    chosen("top 4", "softmax over the 4 largest scores, continuous keys", "A2", TopK(count=4)),
    Arm(
        name="one regime",
        drops="A3",
        switch="one regime for ever",
        world=OneRegime(vocabulary=4, regimes=3, order=0, concentration=1.0),
        model=KEPT,
    ),
    Arm(
        name="growing blocks",
        drops="A3",
        switch="blocks that grow with the window",
        world=msgspec.structs.replace(BLOCKS, block_share=0.25),
        model=KEPT,
    ),
    Arm(
        name="power-law blocks",
        drops="A3",
        switch="block lengths with tail index 1.5, plain averages",
        world=msgspec.structs.replace(
            BLOCKS, regimes=4, laws=APART, block_length=2, lengths="power_law", tail=1.5, longest=2**17, phase="uniform"
        ),
        model=model(value_bound=8.0),
        weights=Uniform(),
        lengths=(160, 320, 640, 1280, 2560, 5120),
        sequences=2048,
    ),
    Arm(
        name="positions",
        drops="A3",
        switch="learned absolute positions",
        world=BLOCKS,
        model=model(positions="learned", context=16384),
    ),
    Arm(
        name="unbounded FFN",
        drops="A4",
        switch="GELU without bounds L_F, M_F",
        world=BLOCKS,
        model=model(feedforward=Gelu(), **UNHELD),
        part="feedforward",
    ),
    kinked("smooth control", "GELU in the place of a kink", Gelu(), "none"),
    kinked("ReLU", "the kink of ReLU at the mean, within its bounds", Relu(), "none"),
    kinked("Hölder ½", "a cusp of exponent ½ at the mean", Holder(exponent=0.5), "A4"),
    kinked("step", "a step at the mean", Step(), "A4"),
)

CONSTANTS = ("kept", "L2 distance", "no balls", "gain 3", "cold", "one regime", "growing blocks", "ReLU", "Hölder ½")
"""Arms whose T theory gives in numbers, to first order in 1/n or 1/√n."""

LAWLESS = ("hard max, few keys", "positions")
"""Arms without a power of n: noise vanishes faster than any, or every length has a constant of its own."""


def claim(arm: Arm, name: str, quantity: str, region: tuple[float | None, float | None], sentence: str) -> Claim:
    """Return a claim of the paper at level 0.95, about the vector of an arm that its prediction is about."""
    (low, high), named = region, {"id": f"{arm.name}: {name}", "about": f"{arm.name}/1/{arm.part}/query"}
    return Claim(**named, sentence=sentence, section=PAPER, quantity=quantity, low=low, high=high, level=LEVEL)


def judged(arm: Arm) -> Iterator[Claim]:
    """Yield what is judged of an arm: the paper's law, the shape, the predicted law, the predicted number."""
    falls = f"Noise given the query falls as 1/n (slope −1 ± 0.05) with {arm.switch} switched."
    yield claim(arm, "1/n", "noise_slope", (-1.05, -0.95), falls)
    near = f"At the longest length no projection is farther than 0.08 from Gaussian: {arm.switch}."
    yield claim(arm, "Gaussian", "noise_normal_distance", (None, 0.08), near)
    if isinstance(arm.weights, GaussianLogits) and isinstance(arm.model.attention, Softmax):
        exact = f"T is the exact value for Gaussian logits at every n, within 20 %: {arm.switch}."
        yield claim(arm, "T", "noise_departure", (None, 0.2), exact)
    elif arm.name not in LAWLESS:
        law = f"The slope is the one that theory predicts for these lengths, within 0.05: {arm.switch}."
        yield claim(arm, "law", "noise_slope_departure", (-0.05, 0.05), law)
    if arm.name in CONSTANTS:
        number = f"T is what theory predicts within 5 %, over the longer half of the lengths: {arm.switch}."
        yield claim(arm, "T", "noise_constant", (0.95, 1.05), number)


def claims(arms: tuple[Arm, ...]) -> tuple[Claim, ...]:
    """Return what is judged of all arms."""
    return tuple(each for arm in arms for each in judged(arm))


LATER = ("L2 distance", "gain 3", "logits s=0.5", "logits s=1.5", "heavy values", "cold", "top 4", "hard max, few keys")
"""Arms that the quick preset leaves to the standard one, as their programs take long to compile or say little new."""

FEWER = tuple(arm for arm in ARMS if arm.name not in LATER)

QUICK = NoiseStudy(
    name="clt_assumptions",
    question="If one assumption is dropped and all others are kept, does noise still fall as 1/n, and if not, how?",
    arms=FEWER,
    lengths=(48, 96, 192, 384, 768, 1536),
    sequences=2048,
    fewest=1024,
    tokens=2**22,
    kept=2048,
    claims=claims(FEWER),
)

STANDARD = msgspec.structs.replace(
    QUICK,
    arms=tuple(msgspec.structs.replace(arm, draws=4, sequences=None) for arm in ARMS),
    claims=claims(ARMS),
    lengths=(64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384),
    sequences=16384,
    fewest=8192,
    tokens=2**27,
    kept=8192,
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
