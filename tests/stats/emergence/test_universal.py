"""Law: worlds of one threshold are called one, few groups and unsure errors included; one apart is found."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.oneway import anova_generic

from testbed.stats.combine import each_level
from testbed.stats.emergence.threshold import threshold
from testbed.stats.emergence.universal import between, decades, heterogeneity
from testbed.stats.estimate import Estimate
from tests.stats.emergence.planted import world
from tests.stats.laws import repeated

LEVEL, SIMULATIONS = 0.95, 400


def drawn(rng, groups, freedom, spread):
    """Thresholds with unequal errors that are estimated."""
    error_G = rng.uniform(0.1, 0.3, groups)
    seen_G = error_G * np.sqrt(rng.chisquare(freedom, groups) / freedom)
    threshold_G = 3 + spread * rng.standard_normal(groups) + error_G * rng.standard_normal(groups)
    return heterogeneity(threshold_G, seen_G, np.full(groups, float(freedom)), level=LEVEL)


def simulated(groups, freedom, spread):
    rng = np.random.default_rng(1)
    return repeated(lambda: drawn(rng, groups, freedom, spread), SIMULATIONS)


@pytest.mark.parametrize(("groups", "freedom"), [(3, 4), (3, 10), (5, 6), (9, 10)])
def test_the_size_is_right_and_the_spread_covered(groups, freedom):
    found = simulated(groups, freedom, 0.0)
    assert np.mean([each.p_value < 0.05 for each in found]) <= 0.075
    assert np.mean([each.spread.low == 0 for each in found]) >= 0.95
    for spread, power in ((0.2, 0.15), (0.6, 0.6)):
        found = simulated(groups, freedom, spread)
        assert 0.92 <= np.mean([each.spread.low <= spread <= each.spread.high for each in found]) <= 0.985
        assert np.mean([each.p_value < 0.05 for each in found]) >= power


def test_normal_quantiles_for_three_groups_are_caught():
    """The liar: Cochran's Q against χ², where errors have 4 degrees of freedom."""
    assert np.mean([each.q > stats.chi2.isf(0.05, 2) for each in simulated(3, 4, 0.0)]) > 0.1


def test_it_agrees_with_statsmodels():
    threshold_G, error_G = np.array([0.0, 0.1, 2.0, 0.7]), np.array([0.1, 0.2, 0.3, 0.2])
    found = heterogeneity(threshold_G, error_G, np.full(4, 1e9), level=LEVEL)
    known = combine_effects(threshold_G, error_G**2, method_re="pm")
    assert found.spread.value == pytest.approx(known.tau2**0.5, rel=1e-3) and found.q == pytest.approx(known.q)
    few = heterogeneity(threshold_G, error_G, np.full(4, 7.0), level=LEVEL)
    welch = anova_generic(threshold_G, error_G**2 * 8, np.full(4, 8.0), use_var="unequal", welch_correction=True)
    assert few.p_value == pytest.approx(welch.pvalue, rel=1e-9)
    assert found.share.low < found.share.value < found.share.high <= 1


def test_worlds_of_planted_curves_are_one_and_a_world_apart_is_found():
    """From scores to the verdict: five worlds of 24 cells; one threshold 1.5 away, by 0.65 decades."""
    rng = np.random.default_rng(0)

    def verdict(apart):
        each = [threshold(world(rng, centre=0.3 + apart * (at == 0)), level=LEVEL) for at in range(5)]
        columns = ([getattr(part, name) for part in each] for name in ("error", "freedom"))
        place_G = np.array([part.place.value for part in each])
        return heterogeneity(place_G, *map(np.array, columns), level=LEVEL).p_value < 0.05

    assert np.mean(repeated(lambda: verdict(0.0), 40)) <= 0.1
    assert np.mean(repeated(lambda: verdict(1.5), 12)) >= 0.9


def test_a_jump_in_one_world_and_not_in_another_is_found():
    rng = np.random.default_rng(2)
    level = each_level(LEVEL, 2)

    def apart(centre):
        worlds = [world(rng, cells=24, centre=each, scatter=0.05) for each in (0.3, centre)]
        return between([threshold(each, level=level).place for each in worlds], level=LEVEL)

    found = [apart(9.0) for _ in range(20)]
    assert np.mean([each.low > 1 and each.high == np.inf for each in found]) >= 0.9
    assert np.mean([apart(0.3).low > 0 for _ in range(60)]) <= 0.05
    assert decades(found[0]).value == pytest.approx(found[0].value / np.log(10))


def test_intervals_that_do_not_hold_together_are_refused():
    part = Estimate(value=0.0, low=-1.0, high=1.0, level=0.95, n=3, method="t")
    with pytest.raises(ValueError, match="together"):
        between([part, part], level=0.95)
