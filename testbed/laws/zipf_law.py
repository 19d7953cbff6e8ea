"""Zipf's law: the share of the rare ones, and of those that a sample has not shown yet: float64 numpy."""

import numpy as np
from jaxtyping import Float

from testbed.laws import simplex


def check(name: str, exponent: int | float, count: int) -> None:
    """Refuse an exponent that orders from rare to frequent, or leaves the rarest no probability."""
    simplex.at_least(name, exponent, 0.0, "the order is from frequent to rare")
    if not (np.isfinite(exponent) and float(count) ** -exponent > 0):
        raise ValueError(f"{name}={exponent}: the rarest of {count} would have probability 0; give a smaller exponent.")


def check_count(name: str, value: int, most: int | None = None) -> None:
    """Refuse a number of things that is negative, or more than there are."""
    if value < 0 or (most is not None and value > most):
        allowed = "at least 0" if most is None else f"between 0 and {most}"
        raise ValueError(f"{name}={value}: it must be {allowed}; give for example {name}={most or 1000}.")


def law(count: int, exponent: int | float) -> Float[np.ndarray, " F"]:
    """Return P(a) ∝ a^-exponent for a = 1..count."""
    weight_F = np.arange(1.0, count + 1) ** -exponent
    return np.asarray(weight_F / weight_F.sum())


def beyond(law_F: Float[np.ndarray, " F"], known: int) -> float:
    """Return the probability of all but the `known` most frequent."""
    return float(law_F[known:].sum())


def unseen(law_F: Float[np.ndarray, " F"], draws: int, times: int = 1) -> float:
    """Return the expected probability of what came up fewer than `times` times in so many draws.

    That is Σ_a p_a·P(Binomial(draws, p_a) < times); for times = 1 it is Σ_a p_a·(1 - p_a)^draws.
    """
    from scipy.special import bdtr  # late: reading a configuration needs no scipy

    return float(law_F @ bdtr(float(min(times - 1, draws)), draws, law_F))
