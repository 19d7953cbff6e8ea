"""Slope, plateau and rate of noise: against other libraries, with coverage on planted laws, and liars."""

import functools

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit, minimize_scalar
from statsmodels.api import WLS, add_constant

from testbed.stats.decay import NO_NOISE, decay_slope, variance_error
from testbed.stats.estimate import Estimate
from testbed.stats.jackknife import corrected
from testbed.stats.plateau import NO_DECAY, NO_LIMIT, plateau
from testbed.stats.profile import profile
from tests.stats.laws import covers, repeated

LEVEL = 0.95
N = 2.0 ** np.arange(4, 12)
WIDE, QUICK = (0.02, 5.0), (0.5, 5.0)
SHAPES = {
    "Gaussian": lambda rng, size: rng.standard_normal(size),
    "light": lambda rng, size: rng.uniform(-(3**0.5), 3**0.5, size),
    "heavy": lambda rng, size: rng.standard_normal(size) / np.sqrt(rng.chisquare(9, (size[0], 1)) / 7),
}


def noise(rng, shape, truth, sequences=300, width=4, error=variance_error):
    drawn = [error(SHAPES[shape](rng, (sequences, width)) * np.sqrt(each / width)) for each in truth]
    t, errors = np.array(drawn).T
    return N, t, errors, np.full(len(N), sequences)


def of_normal_theory(x):
    """The liar: the error that a variance of Gaussian coordinates would have."""
    t, _ = variance_error(x)
    return t, t * np.sqrt(2 / (len(x) - 1) / x.shape[1])


def test_the_error_of_a_variance_is_the_jackknife_s():
    x = np.random.default_rng(0).standard_t(5, size=(30, 3))
    without = np.array([np.trace(np.cov(np.delete(x, i, 0), rowvar=False)) for i in range(30)])
    t, error = variance_error(x)
    assert t == pytest.approx(np.trace(np.cov(x, rowvar=False)))
    assert error == pytest.approx(corrected(t, without)[1])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_error_of_a_variance_is_its_spread_over_samples(shape):
    rng = np.random.default_rng(1)
    drawn = np.array([variance_error(SHAPES[shape](rng, (400, 4))) for _ in range(600)])
    assert np.sqrt(np.mean(drawn[:, 1] ** 2)) / drawn[:, 0].std() == pytest.approx(1, abs=0.15)


def test_the_slope_agrees_with_statsmodels_on_logarithms():
    t, relative = 3 * N**-0.9 * np.exp(0.01 * np.random.default_rng(2).standard_normal(8)), 0.01
    found = decay_slope(N, t, relative * t, np.full(8, 100_000), level=LEVEL)
    fitted = WLS(np.log(t), add_constant(np.log(N)), weights=np.full(8, relative**-2)).fit(
        cov_type="fixed scale", use_t=False
    )
    assert found.slope.value == pytest.approx(fitted.params[1], abs=2e-4)
    assert np.allclose((found.slope.low, found.slope.high), fitted.conf_int()[1], atol=2e-4)
    assert np.allclose(found.residual_N, fitted.resid / relative, atol=0.1)
    assert found.constant == pytest.approx(np.exp(fitted.params[0]), rel=1e-3)


def noises(shape, truth, simulations, *, sequences=300, width=4):
    """As ``noise``, a hundred simulations at once."""
    rng = np.random.default_rng(0)
    for _ in range(simulations // 100):
        x_RNSM = SHAPES[shape](rng, (100 * len(truth) * sequences, width)).reshape(100, len(truth), sequences, width)
        off_RNSM = x_RNSM - x_RNSM.mean(2, keepdims=True)
        square_RNS = np.sum(off_RNSM**2, axis=-1) * truth[:, None] / width
        t_RN = square_RNS.sum(-1) / (sequences - 1)
        scatter_RN = square_RNS.var(-1) * sequences
        error_RN = np.sqrt(sequences / (sequences - 1) * scatter_RN) / (sequences - 2)
        yield from ((N, t_N, error_N, np.full(len(N), sequences)) for t_N, error_N in zip(t_RN, error_RN, strict=True))


@functools.cache
def slopes(shape, simulations):
    drawn = noises(shape, 1 / N, simulations)
    return repeated(lambda: decay_slope(*next(drawn), level=LEVEL), simulations)


def held(shape, simulations):
    return np.mean([each.slope.low <= -1 <= each.slope.high for each in slopes(shape, simulations)])


@pytest.mark.parametrize("shape", ["Gaussian", "heavy"])
def test_the_slope_is_covered_within_two_hundredths_of_its_level(shape):
    assert abs(held(shape, 2000) - LEVEL) < 0.02  # four standard errors of the simulation


def test_the_slope_of_light_tails_is_covered():
    assert abs(held("light", 500) - LEVEL) < 4 * np.sqrt(LEVEL * (1 - LEVEL) / 500)


def test_errors_of_normal_theory_are_caught_on_heavy_tails():
    def drawn(rng):
        return decay_slope(*noise(rng, "heavy", 1 / N, error=of_normal_theory), level=LEVEL).slope, -1.0

    assert not covers(drawn, level=LEVEL, simulations=200)


def test_lack_of_fit_keeps_its_size_and_finds_a_plateau():
    straight = np.mean([each.lack_of_fit < 0.05 for each in slopes("heavy", 2000)])
    bent = [decay_slope(*data, level=LEVEL).lack_of_fit < 0.05 for data in noises("heavy", 0.005 + 1 / N, 100)]
    assert abs(straight - 0.05) < 0.02 and np.mean(bent) > 0.9


def test_noise_that_vanishes_is_a_sentence_and_too_little_is_refused():
    t, few = 1 / N, np.full(8, 100)
    for fit in (decay_slope, lambda *args, level: plateau(*args, exponents=WIDE, level=level)):
        assert fit(N, np.append(t[:-1], 0.0), 0.1 * t, few, level=LEVEL) == NO_NOISE
        assert fit(N, t, 0 * t, few, level=LEVEL) == NO_NOISE
        assert fit(N, t, np.append(t[:-1], np.inf), few, level=LEVEL) == NO_NOISE
        assert "different" in fit(np.full(8, 16.0), t, t, few, level=LEVEL)
    with pytest.raises(ValueError, match="range"):
        plateau(N, t, t, few, exponents=(0.0, 1.0), level=LEVEL)
    with pytest.raises(ValueError, match="sequences"):
        variance_error(np.ones((2, 3)))


def law(n, limit, constant, exponent):
    return limit + constant * n**-exponent


def test_the_plateau_agrees_with_curve_fit_where_the_bounds_are_far():
    truth = law(N, 0.5, 4.0, 0.7)
    error = 0.002 * truth
    t = truth + error * np.random.default_rng(4).standard_normal(8)
    best, covariance = curve_fit(law, N, t, p0=(0.5, 4.0, 0.7), sigma=0.002 * t, absolute_sigma=True)
    found = plateau(N, t, error, np.full(8, 100_000), exponents=WIDE, level=LEVEL)
    assert np.allclose((found.limit.value, found.constant, found.exponent.value), best, rtol=2e-2)
    for part, index in ((found.limit, 0), (found.exponent, 2)):
        assert part.high - part.low == pytest.approx(2 * 1.96 * np.sqrt(covariance[index, index]), rel=0.05)


@pytest.mark.parametrize(
    ("limit", "constant", "exponent", "shape"),
    [(0.0, 1.0, 1.0, "heavy"), (0.05, 1.0, 0.5, "light"), (0.1, 0.0, None, "Gaussian")],
)
def test_limit_and_exponent_are_covered_also_at_the_bound_and_without_decay(limit, constant, exponent, shape):
    rng = np.random.default_rng(5)
    truth = law(N, limit, constant, exponent or 1.0)
    found = repeated(lambda: plateau(*noise(rng, shape, truth), exponents=WIDE, level=LEVEL), 100)
    least = LEVEL - 4 * np.sqrt(LEVEL * (1 - LEVEL) / 100)
    assert np.mean([each.limit.low <= limit <= each.limit.high for each in found]) > least
    if exponent is None:
        assert np.mean([NO_DECAY in each.undetermined and each.exponent.high == np.inf for each in found]) > least
    else:
        assert np.mean([each.exponent.low <= exponent <= each.exponent.high for each in found]) > least
    assert np.mean([each.lack_of_fit < 0.05 for each in found]) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 100)


def test_the_last_value_taken_for_the_limit_is_caught():
    def drawn(rng):
        _, t, error, _ = noise(rng, "Gaussian", law(N, 0.001, 1.0, 1.0))
        half = 1.96 * error[-1]
        return Estimate(value=t[-1], low=t[-1] - half, high=t[-1] + half, level=LEVEL, n=300, method="test"), 0.001

    assert not covers(drawn, level=LEVEL, simulations=60)


def test_a_plateau_is_bounded_from_below_once_slow_decays_are_ruled_out():
    data = noise(np.random.default_rng(6), "Gaussian", law(N, 0.1, 0.0, 1.0))
    slow, quick = (plateau(*data, exponents=span, level=LEVEL).limit for span in (WIDE, QUICK))
    assert slow.low < 0.5 * quick.low and 0.09 < quick.low < 0.1 < quick.high


def test_what_cannot_be_told_is_said():
    t = law(N[:4], 0.01, 1.0, 1.0)
    found = plateau(N[:4], t, 0.2 * t, np.full(4, 50), exponents=WIDE, level=LEVEL)
    assert found.limit.low == 0 and NO_LIMIT in found.undetermined
    rising = plateau(N, N**0.3, 0.01 * N**0.3, np.full(8, 400), exponents=WIDE, level=LEVEL)
    assert rising.lack_of_fit < 1e-6 and rising.constant == 0


def test_profiles_are_those_of_a_parabola_and_endless_where_nothing_rejects():
    def parabola(x):
        return (x - 1.3) ** 2 / 0.01

    grid = np.linspace(-3.0, 3.0, 13)
    assert np.allclose(profile(parabola, grid, allowed=4.0), (1.3, 1.1, 1.5))
    assert np.allclose(profile(parabola, grid, allowed=1e-4), (1.3, 1.299, 1.301))
    assert profile(lambda x: 0.0 * x, grid, allowed=1.0)[1:] == (-np.inf, np.inf)
    low, high = profile(lambda x: np.maximum(x, 0.0) ** 2, grid, allowed=1.0)[1:]
    assert low == -np.inf and high == pytest.approx(1.0)


def test_the_ends_of_the_limit_are_those_of_nested_minimisation():
    """The slow way: for every c_∞ the best γ and c_1, by a library, and roots of the profile."""
    for seed, (limit, constant, exponent) in enumerate([(0.0, 1.0, 1.0), (0.05, 1.0, 0.5), (0.1, 0.0, 1.0)]):
        data = noise(np.random.default_rng(seed), "Gaussian", law(N, limit, constant, exponent))
        found = plateau(*data, exponents=WIDE, level=LEVEL)
        flat = NO_DECAY in found.undetermined
        allowed = (1 + flat) * stats.f.ppf(LEVEL, 1 + flat, 8 * 299)
        fitted = law(N, found.limit.value, found.constant, found.exponent.value)
        error = data[2] / data[1] * fitted

        def squares(top, error=error, t=data[1]):
            def at(log_exponent):
                decay, above = N ** -np.exp(log_exponent) / error, (t - top) / error
                return float(np.sum((above - max(decay @ above / (decay @ decay), 0) * decay) ** 2))

            grid = np.linspace(*np.log(WIDE), 200)
            best = int(np.argmin([at(each) for each in grid]))
            around = grid[max(best - 1, 0)], grid[min(best + 1, 199)]
            return minimize_scalar(at, bounds=around, method="bounded", options={"xatol": 1e-9}).fun

        for end in (found.limit.low, found.limit.high):
            lost = squares(end) - squares(found.limit.value)
            assert lost == pytest.approx(allowed, rel=0.02) or (end == 0 and lost < allowed)
