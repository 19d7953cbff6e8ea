"""T1 beyond bounded values: does the law hold while second moments are finite, and what takes its place when not?

Plain averages of values with Student's noise of ν degrees of freedom. With ν > 2 the variance is finite and T falls as
1/n, however slowly the shape becomes Gaussian. With 1 < ν < 2 there is no variance, averages tend to a stable law, and
the interquartile range falls as n^(1/ν − 1).
"""

import msgspec

from testbed.model.noise import AnyNoise
from testbed.model.noise.gaussian import Gaussian
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer
from testbed.sources import Iid
from testbed.studies.noise import Arm, NoiseStudy
from testbed.verdict import Claim
from testbed.weights import Uniform

PAPER = "T1: heavy tails"
FREEDOMS = (1.5, 3.0)
MODEL = Transformer(
    vocabulary=4, context=64, width=4, layers=1, heads=2, hidden=8, layout="paper", positions="none",
    feedforward_lipschitz=1.0, feedforward_bound=4.0,
)  # fmt: skip


def arm(name: str, switch: str, noise: AnyNoise) -> Arm:
    """Return plain averages of values with a noise."""
    return Arm(
        name=name,
        drops="A1",
        switch=switch,
        world=Iid(vocabulary=4),
        model=msgspec.structs.replace(MODEL, embedding_noise=noise),
        weights=Uniform(),
    )


def noises(freedoms: tuple[float, ...]) -> tuple[Arm, ...]:
    """Return Gaussian noise, as a control, and Student's of these degrees of freedom."""
    student = (
        arm(f"ν={nu:g}", f"values with Student's noise, tail index {nu:g}", Student(scale=3.0, freedom=nu))
        for nu in freedoms
    )
    return arm("Gaussian", "values with Gaussian noise", Gaussian(deviation=3.0)), *student


def claims(arms: tuple[Arm, ...]) -> tuple[Claim, ...]:
    """Return for each noise: the claimed decay of the spread, the predicted one, and the shape."""
    found = []
    for each in arms:
        where = f"{each.name}/1/attention/query"
        for name, quantity, low, high, sentence in (
            (
                "root n",
                "noise_spread_slope",
                -0.525,
                -0.475,
                f"The interquartile range falls as n^−½ (± 0.025): {each.switch}.",
            ),
            (
                "law",
                "noise_slope_departure",
                -0.05,
                0.05,
                f"The slope is the one that theory predicts for these lengths, within 0.05: {each.switch}.",
            ),
            (
                "Gaussian",
                "noise_normal_distance",
                None,
                0.08,
                f"At the longest length no projection is farther than 0.08 from Gaussian: {each.switch}.",
            ),
        ):
            region = {"low": low, "high": high, "level": 0.95}
            named = {"id": f"{each.name}: {name}", "sentence": sentence, "section": PAPER}
            found.append(Claim(**named, quantity=quantity, about=where, **region))
    return tuple(found)


QUICK = NoiseStudy(
    name="clt_heavy_tails",
    question="Does the 1/n law hold while second moments are finite, and what takes its place when they are not?",
    arms=noises(FREEDOMS),
    lengths=(24, 55, 126, 290, 665, 1530),
    sequences=4096,
    fewest=2048,
    tokens=2**21,
    kept=2048,
    claims=claims(noises(FREEDOMS)),
)

MORE = (1.25, 1.5, 1.75, 2.5, 3.0, 5.0)
STANDARD = msgspec.structs.replace(
    QUICK,
    arms=noises(MORE),
    claims=claims(noises(MORE)),
    lengths=(32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384),
    sequences=32768,
    fewest=8192,
    tokens=2**27,
    kept=16384,
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
