"""The variance of replaced tokens is that of the law they follow, enumerated."""

import numpy as np
import pytest

from testbed.theory.token_noise import noise_variance


def enumerated(sigma, symbols, clean):
    """The trace of the covariance of a one-hot token, from every way in which it can come about."""
    one_VV = np.eye(symbols)
    ways = [(1 - sigma, clean), *((sigma / symbols, drawn) for drawn in range(symbols))]
    mean_V = sum(chance * one_VV[token] for chance, token in ways)
    second_VV = sum(chance * np.outer(one_VV[token], one_VV[token]) for chance, token in ways)
    return np.trace(second_VV - np.outer(mean_V, mean_V))


@pytest.mark.parametrize("symbols", [1, 2, 5, 64])
@pytest.mark.parametrize("sigma", [0.0, 0.02, 0.5, 1.0])
def test_the_variance_is_the_enumerated_one_whatever_the_clean_token(sigma, symbols):
    for clean in {0, symbols - 1}:
        assert noise_variance(sigma, symbols) == pytest.approx(enumerated(sigma, symbols, clean), abs=1e-14)


def test_the_chance_of_a_token_that_changes_is_a_liar():
    """σ(1 − 1/V) is the chance that the token differs, and half of the variance for small σ."""
    assert noise_variance(0.02, 16) > 1.9 * 0.02 * (1 - 1 / 16)


@pytest.mark.parametrize(("sigma", "symbols"), [(-0.1, 4), (1.1, 4), (0.1, 0)])
def test_what_is_no_noise_is_refused(sigma, symbols):
    with pytest.raises(ValueError, match=r"must lie|alphabet"):
        noise_variance(sigma, symbols)
