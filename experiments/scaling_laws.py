"""Scaling laws fitted to a finished grid whose irreducible loss is known: what is a fit worth that has to guess it?

Nothing is trained: `--grid` names the folder of a grid, whose losses are fitted with Chinchilla's form, E free, pinned
to the truth, and wrong on purpose.
"""

import math

import msgspec

from testbed.studies.scaling import ScalingStudy
from testbed.verdict import Claim

SECTION = "fits of E + A·P^−α + B·D^−β"


def claim(
    name: str, quantity: str, region: tuple[float | None, float | None], sentence: str, about: str | None = None
) -> Claim:
    """Return a claim at level 0.95."""
    low, high = region
    return Claim(
        id=name, sentence=sentence, section=SECTION, quantity=quantity, low=low, high=high, level=0.95, about=about
    )


CLAIMS = (
    claim("free.recovers", "entropy_error", (-0.02, 0.02), "A free fit recovers the true ε within 0.02 nats."),
    claim(
        "free.covers",
        "entropy_coverage",
        (0.9, None),
        "The 95 % interval of a free E covers the true ε on at least 90 % of surfaces like this grid's.",
    ),
    claim(
        "wrong.alpha",
        "alpha_shift",
        (None, -0.05),
        "An ε that is 5 % too low makes the exponent of P smaller by at least 0.05.",
        "low",
    ),
    claim(
        "wrong.beta",
        "beta_shift",
        (None, -0.05),
        "An ε that is 5 % too low makes the exponent of D smaller by at least 0.05.",
        "low",
    ),
)

FORECASTS = (
    claim(
        "free.forecasts",
        "forecast_cost",
        (None, math.log(2)),
        "A free E forecasts the largest size with at most twice the error that the true ε has.",
        "free",
    ),
    claim(
        "wrong.forecasts",
        "forecast_cost",
        (math.log(2), None),
        "An ε that is 5 % too low at least doubles the error of the forecast of the largest size.",
        "low",
    ),
)
"""What takes eight cells beside the largest size, nine where E is free: more than the grid of `make demo` has."""

QUICK = ScalingStudy(
    name="scaling_laws",
    question="Does a scaling law with a free E recover the true entropy, and what does a wrong entropy cost?",
    claims=CLAIMS,
)

STANDARD = msgspec.structs.replace(QUICK, claims=(*CLAIMS, *FORECASTS), surfaces=1000, resamples=1000)

PRESETS = {"quick": QUICK, "standard": STANDARD}
