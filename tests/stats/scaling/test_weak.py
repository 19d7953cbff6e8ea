"""Where a term is small or absent, an interval of E holds all that fits as well; resamples alone would miss E."""

import numpy as np
import pytest

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.fit import fit
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.law import scaling_law
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.problem import problem
from testbed.stats.scaling.profiles import region, spread_of
from testbed.stats.scaling.resamples import intervals
from testbed.stats.scaling.shorter import noise_of, shortened
from testbed.stats.scaling.table import losses
from tests.stats.laws import SIGMAS, repeated
from tests.stats.scaling.planted import FORM, TRUTH, grid, planted

LEVEL, SQUARES, HUBER = 0.95, OBJECTIVES["log-squares"], OBJECTIVES["huber"]


def weak(noise, rng, a=1.0, b=1.0):
    """Losses of a surface with a share of A, and of B."""
    params, tokens = grid()
    exact = TRUTH["E"] + a * TRUTH["A"] * params**-0.34 + b * TRUTH["B"] * tokens**-0.28
    return losses(params, tokens, exact * np.exp(noise * rng.standard_normal(72)))


def test_small_terms_are_covered_and_by_resamples_alone_they_are_not():
    """1 % of B in noise of 3 % of the loss: the plain percentiles of resamples miss E where these intervals hold it."""
    rng, simulations = np.random.default_rng(0), 10

    def draw():
        try:
            law = scaling_law(weak(0.03, rng, b=0.01), FORM, HUBER, interval="cells", level=LEVEL, resamples=200)
        except NoInformation:
            return None
        plain = intervals(law.asked, law.fitted, law.resampled, level=LEVEL)["E"]
        return [each.low <= TRUTH["E"] <= each.high for each in (law.parameters["E"], plain)]

    told = np.array([each for each in repeated(draw, simulations) if each is not None])
    least = LEVEL - SIGMAS * np.sqrt(LEVEL * (1 - LEVEL) / len(told))
    assert len(told) > simulations / 2
    assert told[:, 0].mean() >= least
    assert told[:, 1].sum() <= told[:, 0].sum() - 2  # the liar: resamples alone


@pytest.mark.parametrize("objective", [SQUARES, HUBER], ids=["squares", "huber"])
def test_an_interval_holds_the_entropy_of_a_shorter_form_that_fits_as_well(objective):
    table = weak(0.01, np.random.default_rng(4), b=0.0)
    law = scaling_law(
        table, FORM, objective, interval="profile" if objective.squares else "cells", level=LEVEL, resamples=200
    )
    short = fit(problem(FORMS["power_params"], table, objective)).coordinate_Q[0]
    assert law.without["B"] > 0.01 and law.parameters["E"].low <= short <= law.parameters["E"].high
    assert objective.squares or "joined with all values that fit as well" in law.parameters["E"].method


def test_strong_terms_leave_resamples_as_they_are():
    law = scaling_law(
        planted(0.03, np.random.default_rng(0)), FORM, HUBER, interval="cells", level=LEVEL, resamples=200
    )
    assert "joined" not in law.parameters["E"].method and max(law.without.values()) < 1e-6


def test_a_region_is_that_of_minima_that_fit_as_well():
    """A minimum that does not fit as well adds nothing, and the same one twice adds nothing either."""
    table = planted(0.003, np.random.default_rng(1))
    asked = problem(FORM, table, SQUARES)
    fitted = fit(asked)._replace(others=())
    alone = region(asked, fitted, 1e-5, 31, level=LEVEL)
    off_Q = fitted.coordinate_Q + 5.0
    assert (region(asked, fitted._replace(others=(off_Q,)), 1e-5, 31, level=LEVEL) == alone).all()
    inside_Q = fitted.coordinate_Q * (1 + 1e-9)
    both = region(asked, fitted._replace(others=(inside_Q,)), 1e-5, 31, level=LEVEL)
    assert both == pytest.approx(alone, rel=1e-5)


def test_shorter_fits_are_those_of_shorter_forms():
    table = planted(0.003, np.random.default_rng(2))
    for each in shortened(problem(FORM, table, SQUARES)):
        other = FORMS["power_tokens" if each.name == "A" else "power_params"]
        assert each.fitted.objective == pytest.approx(fit(problem(other, table, SQUARES)).objective, rel=1e-6)
        assert each.dropped == 2
    broken = shortened(problem(FORMS["broken_params"], table, SQUARES))
    assert [(each.name, each.dropped) for each in broken] == [("A", 5), ("change", 3)]


@pytest.mark.parametrize("noise", [0.0005, 0.003, 0.03])
def test_twice_a_rise_by_chance_is_the_noise(noise):
    """In log B alone, 2·(objective at the truth − least) over `noise_of` has mean 1; without E[ψ′] it would not."""
    rng, within = np.random.default_rng(3), {name: (TRUTH[name],) * 2 for name in ("E", "A", "alpha", "beta")}

    def draw():
        table = planted(noise, rng)
        asked = problem(FORM, table, HUBER, within)
        fitted = fit(asked)
        truth_Q = np.where(asked.pinned_Q, fitted.coordinate_Q, np.log(TRUTH["B"]))
        return 2 * (float(asked.value(truth_Q)) - fitted.objective) / noise_of(asked, table, fitted).variance

    ratio = np.array(repeated(draw, 60))
    assert abs(ratio.mean() - 1) < SIGMAS * np.sqrt(2 / 60)


def test_for_squares_the_noise_is_that_of_cell_means():
    table = planted(0.003, np.random.default_rng(5))
    asked = problem(FORM, table, SQUARES)
    fitted = fit(asked)
    assert noise_of(asked, table, fitted) == pytest.approx(spread_of(asked, table, fitted)[:2])
