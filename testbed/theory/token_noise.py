"""The noise of replaced tokens as a variance: σ² of the claim that SNR falls as one over it."""

from testbed.laws import simplex


def noise_variance(sigma: float, symbols: int) -> float:
    """Return tr Cov(one-hot token | clean token), σ(2 − σ)·(1 − 1/V), of replacement by a uniform draw.

    With probability σ a token becomes one of V symbols, its own among them. It keeps its own with probability
    1 − σ + σ/V and becomes each other one with σ/V; the trace is 1 − Σ_v p_v², whatever the clean token.

    Arguments: sigma, the probability of replacement; symbols, the size V of the alphabet.
    Error: none but rounding.

    >>> round(noise_variance(0.5, 4), 6)
    0.5625
    """
    simplex.fraction("sigma", sigma)
    if symbols < 1:
        raise ValueError(f"{symbols} symbols are no alphabet; give 1 or more.")
    return sigma * (2 - sigma) * (1 - 1 / symbols)
