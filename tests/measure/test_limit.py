"""The limit of endless replicates, where it is known: Gaussian logits, whose mean at any R is an integral."""

import msgspec
import numpy as np
import pytest
from scipy.special import log_expit, log_softmax

from testbed.measure.geometric import decompose
from testbed.measure.limit import limit
from testbed.stats.jackknife import extrapolated
from tests.stats.laws import coverage, repeated

LEVEL = 0.95


def binary(logit):
    """Log-probabilities of two symbols."""
    return np.stack([log_expit(logit), log_expit(-logit)], axis=-1)


def kl(star_logit, logit):
    """KL between laws of two symbols, by logs of odds alone."""
    p = np.exp(log_expit(star_logit))
    return p * (log_expit(star_logit) - log_expit(logit)) + (1 - p) * (log_expit(-star_logit) - log_expit(-logit))


def planted(rng, star_L, mean_L, noise, replicates):
    """An ensemble whose logits are Gaussian about their means; all contexts share one half of the noise."""
    shared, own = rng.standard_normal((replicates, 1)), rng.standard_normal((replicates, len(mean_L)))
    return binary(star_L), binary(mean_L + noise * (shared + own) / np.sqrt(2))


def expected_center(star_L, mean_L, noise, replicates):
    """E[center_R] by Gauss–Hermite: the mean of R logits is one Gaussian logit of deviation noise/√R."""
    node_Q, weight_Q = np.polynomial.hermite_e.hermegauss(60)
    logit_LQ = mean_L[:, None] + noise / np.sqrt(replicates) * node_Q
    return float((kl(star_L[:, None], logit_LQ) @ weight_Q / weight_Q.sum()).mean())


WORLDS = {"no bias": (0.0, 0.8), "bias of the size of the blur": (0.2, 0.8), "bias": (0.6, 0.8), "much": (1.5, 0.3)}
"""By how much the logits of the truth are off, and the noise of a replicate's logits."""
MEAN_L = np.linspace(-2, 2, 12)


def drawn(rng, shift, noise, replicates):
    """The limit of a planted ensemble, and what it is."""
    star_L = MEAN_L + shift
    return limit([planted(rng, star_L, MEAN_L, noise, replicates)], level=LEVEL), float(kl(star_L, MEAN_L).mean())


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
@pytest.mark.parametrize("replicates", [3, 6, 16])
def test_the_planted_limit_is_covered(world, replicates):
    covered = coverage(lambda rng: drawn(rng, *world, replicates), simulations=500, seed=replicates)
    assert covered >= LEVEL - 0.03


def test_without_the_bend_the_interval_is_too_short():
    """The liar: what the plain standard error says."""

    def narrow(rng):
        found, truth = drawn(rng, 0.2, 0.8, 16)
        return msgspec.structs.replace(found, high=2 * found.value - found.low), truth

    assert coverage(narrow, simulations=500, seed=16) < LEVEL - 0.06


@pytest.mark.parametrize("replicates", [3, 5])
def test_two_orders_of_bias_are_removed_and_one_order_leaves_some(replicates):
    """At each R the center has the mean that the integral says, the jackknife less of its bias, and the limit least."""
    rng, star_L, noise = np.random.default_rng(1), MEAN_L + 0.6, 3.0
    ensembles = repeated(lambda: planted(rng, star_L, MEAN_L, noise, replicates), 3000)
    found = [(decompose([pair]), limit([pair], level=LEVEL).value) for pair in ensembles]
    value = np.array([(each.center, each.center_jackknife, freed) for each, freed in found])
    wanted = np.array([expected_center(star_L, MEAN_L, noise, replicates - left) for left in range(3)])
    exact = wanted[0], *(extrapolation(wanted, replicates, order) for order in (1, 2))
    assert (np.abs(value.mean(0) - exact) < 4 * value.std(0) / np.sqrt(len(value))).all()
    truth = float(kl(star_L, MEAN_L).mean())
    off = np.abs(np.array(exact) - truth)
    assert off[0] > 3 * off[1] > 6 * off[2]


def extrapolation(wanted, replicates, order):
    """Lagrange's polynomial through the means at R, R − 1, … as a function of 1/R, at zero."""
    size = replicates - np.arange(order + 1.0)
    weights = [np.prod([m / (m - other) for other in size if other != m]) for m in size]
    return float(np.dot(weights, wanted[: order + 1]))


def test_the_limit_does_not_depend_on_the_cut_into_sequences():
    rng = np.random.default_rng(2)
    star, p = log_softmax(rng.standard_normal((6, 5)), -1), log_softmax(rng.standard_normal((4, 6, 5)), -1)
    whole, halves = limit([(star, p)], level=LEVEL), limit([(star[:2], p[:, :2]), (star[2:], p[:, 2:])], level=LEVEL)
    assert np.allclose([whole.value, whole.low, whole.high], [halves.value, halves.low, halves.high])


def test_values_are_those_of_ensembles_with_some_left_out():
    rng = np.random.default_rng(3)
    star, p = log_softmax(rng.standard_normal((3, 4)), -1), log_softmax(rng.standard_normal((4, 3, 4)), -1)
    whole, ones, twos = [], [], []
    for first in range(4):
        ones.append(decompose([(star, np.delete(p, first, 0))]).center)
        twos += [decompose([(star, np.delete(p, [first, other], 0))]).center for other in range(first)]
    whole = decompose([(star, p)])
    found = limit([(star, p)], level=LEVEL)
    assert found.value == pytest.approx(8 * whole.center - 9 * np.mean(ones) + 2 * np.mean(twos), abs=1e-12)
    assert found.value - found.low == pytest.approx(whole.center_se * 3.182446305, rel=1e-8)


def arithmetic(star_LV, p_RLV):
    """The liar: the split about the arithmetic mean of the replicates, which leaves a remainder."""
    mean_LV = np.log(np.exp(p_RLV).mean(0))
    center = (np.exp(star_LV) * (star_LV - mean_LV)).sum(-1).mean()
    return center, (np.exp(mean_LV) * (mean_LV - p_RLV)).sum(-1).mean()


def test_the_split_about_the_arithmetic_mean_does_not_close():
    rng = np.random.default_rng(4)
    star, p = planted(rng, MEAN_L + 1.0, MEAN_L, 2.0, 5)
    whole = decompose([(star, p)])
    assert whole.mean_kl - whole.center - whole.spread == pytest.approx(0.0, abs=1e-14)
    assert abs(whole.mean_kl - sum(arithmetic(star, p))) > 1e-3


@pytest.mark.parametrize("width", [1, 3])
def test_for_squares_of_means_value_and_bend_are_those_of_the_moments(width):
    x = np.random.default_rng(6).standard_normal((5, width)) + 1.0
    square = [np.square(np.delete(x, list(left), 0).mean(0)).sum() for left in ((), *((r,) for r in range(5)))]
    pairs = [[np.square(np.delete(x, [r, s], 0).mean(0)).sum() for s in range(5)] for r in range(5)]
    found = extrapolated(square[0], np.array(square[1:]), np.array(pairs), level=LEVEL)
    covariance = np.atleast_2d(np.cov(x.T))
    assert found.value == pytest.approx(square[0] - np.trace(covariance) / 5)
    squared = (np.sum(covariance**2) - np.trace(covariance) ** 2 / 4) * 16 / (3 * 6)
    extra = (found.high - found.value) - (found.value - found.low)
    assert extra == pytest.approx(2.776445105**2 * np.sqrt(squared) / 5, rel=1e-6)


def test_two_replicates_and_none_and_zeros_are_refused():
    star, p = planted(np.random.default_rng(5), MEAN_L, MEAN_L, 1.0, 3)
    with pytest.raises(ValueError, match="3 or more"):
        limit([(star, p[:2])], level=LEVEL)
    with pytest.raises(ValueError, match="one pair"):
        limit([], level=LEVEL)
    p[0, 0] = 0.0, -np.inf
    with pytest.raises(ValueError, match="smooth"):
        limit([(star, p)], level=LEVEL)
