"""Law: a planted threshold and its width are covered, whatever errors, seeds and steepness; a bound is told as one."""

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.special import expit

from testbed.stats.emergence.rises import rises
from testbed.stats.emergence.threshold import BOUND, threshold
from testbed.stats.identified import NoInformation, told
from tests.stats.emergence.planted import CEILING, CHANCE, THETA, columns, decades, world
from tests.stats.laws import repeated

LEVEL, SIMULATIONS = 0.95, 400


def simulated(plan, *, ends=(CHANCE, CEILING), simulations=SIMULATIONS, seed=0):
    """Places and widths of many worlds, shape (R, 3): value, low, high."""
    rng = np.random.default_rng(seed)
    drawn = repeated(lambda: told(threshold)(world(rng, ends=ends, **plan), level=LEVEL), simulations)
    found = [each for each in drawn if not isinstance(each, str)]
    assert len(found) >= 0.95 * simulations
    return (np.array([(e.value, e.low, e.high) for e in each]) for each in zip(*[f[:2] for f in found], strict=True))


def covered(ends_R3, truth):
    return float(np.mean((ends_R3[:, 1] <= truth) & (truth <= ends_R3[:, 2])))


@pytest.mark.parametrize(
    "plan",
    [
        {"cells": 12},
        {"cells": 24},
        {"cells": 16, "width": 0.6, "scatter": 0.0, "x_error": 0.0, "errors": (0.02, 0.06)},
        {"cells": 40, "seeds": 8, "scatter": 0.3},
    ],
)
def test_places_and_widths_are_covered_and_places_unbiased(plan):
    place_R3, width_R3 = simulated(plan)
    error = place_R3[:, 0].std() / np.sqrt(len(place_R3))
    assert abs(place_R3[:, 0].mean() - THETA) < 3 * error
    assert 0.92 <= covered(place_R3, THETA) <= 0.985
    truth = decades(plan.get("width", 0.4), plan.get("scatter", 0.15))
    assert covered(width_R3, truth) >= 0.9 and np.median(width_R3[:, 0]) == pytest.approx(truth, rel=0.08)


def test_a_step_is_covered_and_its_width_reaches_to_nothing():
    place_R3, width_R3 = simulated({"width": 0.02, "scatter": 0.0}, simulations=100, seed=3)
    assert covered(place_R3, THETA) >= 0.92 and covered(width_R3, decades(0.02)) >= 0.92
    assert np.mean(width_R3[:, 2] < 2) > 0.9


def test_asymptotes_at_zero_and_one_are_caught():
    """The liar: a logistic curve from 0 to 1, where chance is 0.1 and the Bayes predictor scores 0.7."""
    place_R3, width_R3 = simulated({"cells": 24}, ends=(0.0, 1.0), simulations=60)
    assert covered(place_R3, THETA) < 0.5 and covered(width_R3, decades(0.4, 0.15)) < 0.5


def test_cells_taken_as_independent_are_caught_where_seeds_share_their_threshold():
    rng = np.random.default_rng(0)

    def careless():
        x_N, score_N, x_error_N, error_N, _ = columns(rng, cells=40, seeds=4, scatter=0.4)
        return threshold(rises(x_N, score_N, (CHANCE, CEILING), (x_error_N, error_N)), level=LEVEL)

    found = np.array([(e.place.value, e.place.low, e.place.high) for e in repeated(careless, 100)])
    assert covered(found, THETA) < 0.85


def test_it_agrees_with_curve_fit_where_errors_are_alike():
    x_N = np.linspace(-3, 3, 40)
    score_N = expit((x_N - 0.3) / 0.4) + 0.03 * np.random.default_rng(5).standard_normal(40)
    best, covariance = curve_fit(lambda x, at, wide: expit((x - at) / wide), x_N, score_N, p0=(0, 1))
    found = threshold(rises(x_N, score_N, (0.0, 1.0), (0.0, 0.03)), level=LEVEL)
    assert found.place.value == pytest.approx(best[0], abs=0.3 * covariance[0, 0] ** 0.5)
    assert found.error == pytest.approx(covariance[0, 0] ** 0.5, rel=0.4)
    assert found.width_decades.value == pytest.approx(decades(best[1]), rel=0.05)


@pytest.mark.parametrize(("centre", "end"), [(9.0, "high"), (-9.0, "low")])
def test_scores_on_one_side_of_half_way_are_a_bound(centre, end):
    for seed in range(20):
        found = threshold(world(np.random.default_rng(seed), centre=centre, scatter=0.0), level=LEVEL).place
        assert found.method.startswith(BOUND) and abs(getattr(found, end)) == np.inf
        assert found.low <= centre <= found.high and abs(found.value) < 4


def test_scores_that_do_not_rise_are_no_threshold():
    x_N = np.linspace(-3, 3, 24)
    noise_N = 0.05 * np.random.default_rng(0).standard_normal(24)
    for score_N in (0.4 + noise_N, 0.7 - 0.6 * expit(x_N) + noise_N):
        with pytest.raises(NoInformation, match="do not rise"):
            threshold(rises(x_N, score_N, (CHANCE, CEILING), (0.0, 0.03)), level=LEVEL)


def test_what_is_too_little_is_refused():
    x_N = np.arange(8.0)
    with pytest.raises(NoInformation, match="2 groups"):
        threshold(rises(x_N, x_N / 8, (0.0, 1.0), seeds=[0, 1] * 4), level=LEVEL)
    with pytest.raises(NoInformation, match="5 cells"):
        threshold(rises(x_N[:5], x_N[:5] / 8, (0.0, 1.0)), level=LEVEL)
    with pytest.raises(NoInformation, match="room"):
        rises(x_N, x_N, (0.5, 0.5))
