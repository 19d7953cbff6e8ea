"""Law: an exponential cost and a power of the level are told from one another, with the bend covered."""

import numpy as np
import pytest

from testbed.stats.emergence.cost import cost
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from tests.stats.laws import coverage, covers

LEVEL = 0.95


def drawn(rng, bend, levels=10, ratio=10.0, noise=0.2):
    """Costs that rise by e⁶ over levels whose largest is so many times the least, with unequal errors."""
    level_K = np.geomspace(1.0, ratio, levels)
    along_K = level_K if bend == 1 else np.log(level_K)
    error_K = noise * rng.uniform(0.5, 2, levels)
    log_cost_K = 40 + 6 * along_K / np.ptp(along_K) + error_K * rng.standard_normal(levels)
    return cost(level_K, log_cost_K, error_K, level=LEVEL)


@pytest.mark.parametrize("bend", [0, 1])
@pytest.mark.parametrize("plan", [{}, {"levels": 6}, {"levels": 6, "noise": 0.05}, {"ratio": 30.0, "noise": 0.4}])
def test_the_bend_is_covered_both_ways(bend, plan):
    assert 0.92 <= coverage(lambda rng: (drawn(rng, bend, **plan).bend, bend), simulations=400, seed=1) <= 0.98


@pytest.mark.parametrize("bend", [0, 1])
def test_verdicts_are_right_and_seldom_wrong(bend):
    rng = np.random.default_rng(2)
    found = [drawn(rng, bend) for _ in range(200)]
    right = [(each.bend.low > 0.5) if bend else (each.bend.high < 0.5) for each in found]
    wrong = [(each.bend.high < 0.5) if bend else (each.bend.low > 0.5) for each in found]
    assert np.mean(right) > 0.85 and np.mean(wrong) <= 0.01
    assert np.mean([(each.exponential < each.power) == bool(bend) for each in found]) > 0.99


def test_an_interval_without_the_scatter_is_caught():
    """The liar: errors trusted although costs scatter twice as far."""

    def liar(rng):
        found = drawn(rng, 1).bend
        half = (found.high - found.low) / 4
        ends = {"low": found.value - half, "high": found.value + half}
        return Estimate(value=found.value, **ends, level=LEVEL, n=10, method="liar"), 1.0

    assert not covers(liar, level=LEVEL)


def test_units_do_not_bend():
    level_K, noise_K = np.geomspace(1, 9, 7), 0.1 * np.cos(np.arange(7.0) ** 2)
    found = [
        cost(unit * level_K, level_K + noise_K + shift, np.ones(7), level=LEVEL).bend
        for unit, shift in ((1, 0), (1e9, 50))
    ]
    assert found[0].value == pytest.approx(found[1].value, abs=1e-6) and found[0].low == pytest.approx(
        found[1].low, abs=1e-6
    )


def test_what_follows_neither_law_is_refused():
    level_K = np.geomspace(1, 9, 7)
    with pytest.raises(NoInformation, match="does not rise"):
        cost(level_K, -level_K, np.ones(7), level=LEVEL)
    with pytest.raises(NoInformation, match="5 or more"):
        cost(level_K[:4], level_K[:4], np.ones(4), level=LEVEL)
