"""Intervals of every kind cover what is planted, at four levels of noise; those that are too narrow are caught.

These are short versions: `benchmarks/calibrate_scaling.py` has 400 surfaces for each line.
"""

import numpy as np
import pytest

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.scaling.fit import fit
from testbed.stats.scaling.law import lack_of_fit, pinned_fits, scaling_law
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.problem import problem
from testbed.stats.scaling.profiles import profiles, spread_of
from testbed.stats.scaling.resamples import by_cells, by_seeds, intervals
from testbed.stats.scaling.table import losses
from tests.stats.laws import SIGMAS, repeated
from tests.stats.scaling.planted import COORDINATE, FORM, NOISES, TRUTH, exact, grid, planted

LEVEL, SQUARES, HUBER = 0.95, OBJECTIVES["log-squares"], OBJECTIVES["huber"]
KINDS = {"profile": SQUARES, "cells": HUBER, "seeds": HUBER}


def law(table, kind, **options):
    return scaling_law(table, FORM, KINDS[kind], interval=kind, level=LEVEL, resamples=200, **options)


def covered(draw, simulations):
    """The share of drawn laws whose interval holds each parameter's truth."""
    found = repeated(draw, simulations)
    return {
        name: np.mean([each[name].low <= truth <= each[name].high for each in found]) for name, truth in TRUTH.items()
    }


def enough(rates, simulations):
    """Whether all rates are at least the level, to within the noise of the simulation."""
    return min(rates.values()) >= LEVEL - SIGMAS * np.sqrt(LEVEL * (1 - LEVEL) / simulations)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("noise", NOISES)
def test_intervals_cover(noise, kind):
    rng = np.random.default_rng(0)
    rates = covered(lambda: law(planted(noise, rng), kind).parameters, 60)
    assert enough(rates, 60), rates


def test_noise_that_seeds_share_is_covered():
    rng, (params, tokens) = np.random.default_rng(1), grid()

    def draw(kind):
        noise = np.repeat(rng.standard_normal(36), 2) + 0.3 * rng.standard_normal(72)
        table = losses(params, tokens, exact(params, tokens) * np.exp(0.003 * noise))
        return law(table, kind).parameters

    assert enough(covered(lambda: draw("profile"), 60), 60)
    assert not enough(covered(lambda: draw("seeds"), 60), 60)  # a liar here: it takes seeds for independent


def narrow(found, share):
    """The same intervals, narrower."""
    return {
        name: Estimate(
            value=each.value, low=each.value - share * (each.value - each.low),
            high=each.value + share * (each.high - each.value), level=LEVEL, n=each.n, method="liar",
        )
        for name, each in found.items()
    }  # fmt: skip


def test_narrow_intervals_are_caught():
    rng = np.random.default_rng(2)
    assert not enough(covered(lambda: narrow(law(planted(0.003, rng), "profile").parameters, 0.5), 60), 60)


def test_a_profile_of_a_quadratic_is_students():
    """In log B alone (all else pinned) the surface is nearly straight for little noise: the interval is ± t·s.e."""
    table = planted(1e-5, np.random.default_rng(3))
    within = {name: (TRUTH[name],) * 2 for name in ("E", "A", "alpha", "beta")}
    asked = problem(FORM, table, SQUARES, within)
    fitted = fit(asked)
    found, spread = profiles(asked, table, fitted, level=LEVEL)["B"], spread_of(asked, table, fitted)
    from scipy.stats import t

    half = t.ppf(0.975, 35) * np.sqrt(spread.variance * spread.covariance_QQ[2, 2])
    assert spread.freedom == 35
    assert np.log(found.high / found.value) == pytest.approx(half, rel=1e-4)
    assert np.log(found.value / found.low) == pytest.approx(half, rel=1e-4)


def test_the_ends_of_a_profile_are_where_the_squares_rise_enough():
    """Refitted with E pinned at its ends by the whole search, the sum of squares has risen by s²·F."""
    from scipy.stats import f

    table = planted(0.01, np.random.default_rng(4))
    asked = problem(FORM, table, SQUARES)
    fitted = fit(asked)
    found, spread = profiles(asked, table, fitted, level=LEVEL)["E"], spread_of(asked, table, fitted)
    for end in (found.low, found.high):
        rise = 2 * (fit(problem(FORM, table, SQUARES, {"E": (end, end)})).objective - fitted.objective)
        assert rise == pytest.approx(spread.variance * f.ppf(LEVEL, 1, spread.freedom), rel=1e-4)


def test_what_data_do_not_tell_is_open_and_said():
    """So much noise that E may be 0, or the power of tokens anything."""
    table = planted(0.3, np.random.default_rng(0), sizes=4)
    found = scaling_law(table, FORM, SQUARES, interval="profile", level=LEVEL).parameters
    assert found["E"].low == 0.0 and "no value is too small" in found["E"].method
    open_above = [each for each in found.values() if np.isinf(each.high)]
    assert open_above and all("open above" in each.method for each in open_above)


def test_an_assumed_range_ends_an_interval():
    table = planted(0.03, np.random.default_rng(0))
    found = law(table, "profile", within={"E": (1.65, 1.72)}).parameters["E"]
    assert 1.65 <= found.low < found.high <= 1.72
    assert "the end that was assumed" in found.method


def test_seeds_that_are_resampled_scatter_as_they_do():
    """The spread of log B over resamples of seeds is the standard error by squares, of the same seeds."""
    table = planted(0.003, np.random.default_rng(5), seeds=6)
    within = {name: (TRUTH[name],) * 2 for name in ("E", "A", "alpha", "beta")}
    asked = problem(FORM, table, SQUARES, within)
    fitted = fit(asked)
    spread = spread_of(asked, table, fitted)
    error = np.sqrt(spread.variance * spread.covariance_QQ[2, 2])
    for by in (by_cells, by_seeds):
        drawn = by(asked, table, fitted, seed=0, resamples=1000).coordinate_RQ[:, 2]
        assert float(drawn.std()) == pytest.approx(float(error), rel=0.3)


def test_rows_of_a_group_are_drawn_together():
    params, tokens = grid()
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(12), 6)
    table = losses(params, tokens, exact(params, tokens) * np.exp(0.003 * rng.standard_normal(72)), groups=groups)
    asked = problem(FORM, table, HUBER, {"E": (1.69, 1.69)})
    found = by_cells(asked, table, fitted := fit(asked), seed=0, resamples=100)
    assert found.units == 12 and "12 groups" in found.told
    assert intervals(asked, fitted, found, level=LEVEL)["alpha"].n == 12


def test_lack_of_fit_finds_a_wrong_form_and_spares_a_right_one():
    table = planted(0.003, np.random.default_rng(7))
    asked = problem(FORM, table, SQUARES)
    assert lack_of_fit(asked, table, fit(asked)) > 0.01
    from testbed.stats.scaling.forms import FORMS

    wrong = problem(FORMS["variance"], table, SQUARES)
    assert lack_of_fit(wrong, table, fit(wrong)) < 1e-6


def test_a_pinned_entropy_is_tested():
    table = planted(0.003, np.random.default_rng(8))
    p_values = []
    for entropy in (1.69, 1.5):
        asked = problem(FORM, table, SQUARES, {"E": (entropy, entropy)})
        p_values.append(pinned_fits(asked, table, fit(asked)))
    assert p_values[0] > 0.01 and p_values[1] < 1e-6


def test_wrong_requests():
    table = planted(0.003, np.random.default_rng(9), seeds=1)
    with pytest.raises(ValueError, match="interval profile: it is of squares"):
        scaling_law(table, FORM, HUBER, interval="profile", level=LEVEL)
    with pytest.raises(ValueError, match="must be one of profile, cells, seeds"):
        scaling_law(table, FORM, HUBER, interval="both", level=LEVEL)
    with pytest.raises(NoInformation, match="has one seed, which cannot be resampled"):
        scaling_law(table, FORM, HUBER, interval="seeds", level=LEVEL)
    with pytest.raises(ValueError, match="100 at least"):
        scaling_law(table, FORM, HUBER, interval="cells", level=LEVEL, resamples=10)
    assert np.isfinite(COORDINATE).all()
