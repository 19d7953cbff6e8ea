"""Slopes need a rank, intervals a freedom, and p-values numbers: the faults that were found, and planted truths."""

import numpy as np
import pytest

from testbed.stats.combine import slope_weights
from testbed.stats.decay import NO_NOISE, decay_slope, variance_error
from testbed.stats.distance import Distance
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation, check_slope, numbers, told
from testbed.stats.mean import mean
from testbed.stats.moments import Block, contrast, known, moments, smoothed
from testbed.stats.normality import (
    anderson_darling,
    false_discoveries,
    henze_zirkler,
    kurtosis,
    lilliefors,
    skewness,
)
from testbed.stats.power_law import power_law
from testbed.stats.rate import distance_rate
from testbed.stats.two_sample import two_sample
from tests.stats.laws import covers

LEVEL = 0.95
APART = {
    "one abscissa a curve": ([16, 16, 32, 32], [0, 0, 1, 1]),
    "one point a curve": ([16, 32, 64], [0, 1, 2]),
    "one abscissa": ([16, 16, 16], [0, 0, 0]),
    "abscissae that rounding tells apart": ([16, 16 * (1 + 1e-13), 16], [0, 0, 0]),
    "more points than curves and constants": ([16, 16, 16, 32, 32, 32, 64, 64], [0, 0, 0, 1, 1, 1, 2, 2]),
}


def planted(x, freedom=3.0):
    y = 1 / np.array(x, float)
    return known(y, 0.05 * y, np.full(len(x), freedom))


@pytest.mark.parametrize("name", APART)
def test_a_slope_that_no_curve_has_is_a_sentence(name):
    x, curves = np.array(APART[name][0], float), APART[name][1]
    found = decay_slope(x, 1 / x, 0.05 / x, np.full(len(x), 400), level=LEVEL, curves=curves)
    assert isinstance(found, str) and ("different" in found or "do not differ within any group" in found)
    with pytest.raises(NoInformation, match="do not differ within any group"):
        power_law(x, planted(x), curves, working=planted(x), level=LEVEL)
    with pytest.raises(NoInformation, match="16"):
        slope_weights(x, curves)


def test_a_slope_is_identified_by_one_curve_and_a_count_of_points_would_take_the_wrong_ones():
    """The liar counts: more points than curves. It takes what no curve tells, as every case above but one shows."""
    assert told(check_slope)(np.array([16.0, 32.0, 64.0]), [0, 0, 1]) is None
    counted = {name: len(x) > len(set(curves)) for name, (x, curves) in APART.items()}
    assert sum(counted.values()) == len(APART) - 1


def test_a_point_so_noisy_that_it_says_nothing_carries_no_slope():
    x, y = np.array([1.0, 2.0]), np.array([1.0, 0.5])
    seen = known(y, np.array([1e-12, 1e12]), np.full(2, 3.0))
    with pytest.raises(NoInformation, match="slope"):
        power_law(x, seen, [0, 0], working=seen, level=LEVEL)


def test_a_perfect_fit_without_noise_is_no_certainty():
    n = np.array([16.0, 32.0, 64.0, 128.0])
    assert decay_slope(n, 1 / n, 0 / n, np.full(4, 400), level=LEVEL) == NO_NOISE
    with pytest.raises(NoInformation, match="weighed"):
        power_law(
            n, known(1 / n, 0 / n, np.full(4, 3.0)), [0] * 4, working=known(1 / n, 0 / n, np.full(4, 3.0)), level=LEVEL
        )
    copies = moments([Block(np.tile(np.arange(8.0)[None, :, None], (3, 1, 1)), ((0, 1, 2),))])
    assert contrast(copies, np.ones(1), level=LEVEL).high == np.inf
    assert "no noise was seen" in mean(np.array([2.0, 2.0]), level=LEVEL).method


def test_sequences_without_a_spread_are_too_few():
    n = np.array([16.0, 32.0, 64.0, 128.0])
    assert "2 or more" in decay_slope(n, 1 / n, 0.05 / n, np.ones(4), level=LEVEL)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -0.1, 1.1])
def test_a_p_value_that_is_none_does_not_poison_the_others(broken):
    with pytest.raises(ValueError, match=r"1 of 3 p-values lie outside \[0, 1\]"):
        false_discoveries([1e-9, broken, 0.9], 0.05, dependent=False)
    assert false_discoveries([1e-9, 0.9], 0.05, dependent=False).rejected_N.tolist() == [True, False]


@pytest.mark.parametrize("test", [lilliefors, anderson_darling, skewness, kurtosis], ids=lambda test: test.__name__)
def test_one_value_out_of_all_bounds_rejects_and_the_unit_changes_no_bit(test):
    x = np.random.default_rng(0).standard_normal(100)
    assert test(np.append(x, 1e300)).p_value < 1e-6
    assert test(x * 2.0**900) == test(x) == test(x * 2.0**-900)


def test_many_dimensions_and_two_samples_have_no_unit_either():
    x = np.random.default_rng(1).standard_normal((2, 60, 2))
    assert henze_zirkler(2.0**900 * x[0]) == henze_zirkler(x[0])
    far = x[1] + 3.0
    found = two_sample(x[:1], far[None], directions=4, relabellings=99, seed=0)
    assert found.p_value == 0.01
    assert two_sample(2.0**900 * x[:1], 2.0**900 * far[None], directions=4, relabellings=99, seed=0) == found


def test_what_overflows_is_refused_with_the_value():
    for call in (lambda x: mean(x, level=LEVEL), lambda x: variance_error(x[:, None])):
        with pytest.raises(NoInformation, match=r"1e\+300"):
            call(np.array([1.0, 2.0, 1e300]))
        with pytest.raises(NoInformation, match="nan at place 1"):
            call(np.array([1.0, np.nan, 2.0]))
    with pytest.raises(ValueError, match="no real numbers"):
        numbers(np.array([None, 1.0]), "x")


def test_a_rate_of_equal_lengths_is_refused():
    with pytest.raises(NoInformation, match="3 or more of them different"):
        distance_rate(np.array([16.0, 16.0, 64.0]), [_shown()] * 3, level=LEVEL)


def _shown():
    return Distance(Estimate(value=0.1, low=0.0, high=1.0, level=LEVEL, n=400, method="test"), 0.01, 0.01, 0.02)


LEAST = {"two points": ([16, 64], [0, 0]), "one curve of two points and one of one": ([16, 64, 32], [0, 0, 1])}
"""Designs whose rank is exactly that of their parameters: the fit has no residual."""


@pytest.mark.parametrize("name", LEAST)
def test_the_slope_of_a_design_without_residual_is_covered(name):
    n, curves = np.array(LEAST[name][0], float), LEAST[name][1]

    def drawn(rng, careless=1.0):
        x = rng.standard_normal((len(n), 20, 4))
        t, error = np.array([variance_error(each * scale) for each, scale in zip(x, n**-0.5, strict=True)]).T
        return decay_slope(n, t, careless * error, np.full(len(n), 20), level=LEVEL, curves=curves).slope, -1.0

    assert covers(drawn, level=LEVEL)
    assert not covers(lambda rng: drawn(rng, 0.5), level=LEVEL)


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("replicates", [2, 3])
def test_the_exponent_of_a_design_without_residual_is_covered(name, replicates):
    x, curves = np.array(LEAST[name][0], float), LEAST[name][1]

    def drawn(rng, many=False):
        y = (1 / x)[:, None] * (1 + 0.05 * rng.standard_normal((len(x), replicates)))
        found = moments([Block(np.repeat(row[:, None, None], 2, 1), (tuple(range(replicates)),)) for row in y])
        if many:
            found = found._replace(freedom_F=np.full_like(found.freedom_F, 1e6))
        return power_law(x, found, curves, working=smoothed(found), level=LEVEL).exponent, 1.0

    assert covers(drawn, level=LEVEL)
    assert replicates > 2 or not covers(lambda rng: drawn(rng, True), level=LEVEL)


@pytest.mark.parametrize("tiny", [0.0, 1e-17])
def test_a_power_of_curves_at_zero_is_not_told(tiny):
    """Where the abscissae differ there is nothing to fall, so that rounding alone would decide."""
    y_N = np.array([1.0, 1.0, tiny, tiny])
    seen = known(y_N, np.full(4, 1e-2), np.full(4, 3.0))
    with pytest.raises(NoInformation, match="every exponent fits"):
        power_law(np.array([1.0, 1.0, 1.0, 2.0]), seen, [0, 0, 1, 1], working=seen, level=0.95)
