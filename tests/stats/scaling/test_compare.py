"""Forms compared out of sample, and what single cells do to a fit."""

import numpy as np
import pytest

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.compare import compare
from testbed.stats.scaling.fit import fit
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.leverage import leverage
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.problem import problem
from testbed.stats.scaling.table import losses
from tests.stats.laws import repeated
from tests.stats.scaling.planted import COORDINATE, FORM, TRUTH, exact, grid, planted

SQUARES, HUBER = OBJECTIVES["log-squares"], OBJECTIVES["huber"]
MANY = [FORMS[name] for name in ("kaplan", "chinchilla", "variance", "power_params")]


@pytest.mark.parametrize("objective", [SQUARES, HUBER], ids=["squares", "huber"])
def test_the_planted_form_wins(objective):
    found = compare(MANY, planted(0.003, np.random.default_rng(0)), objective, {}, level=0.95, seed=0)
    assert found[0].form == "chinchilla" and found[0].behind == "the best of all"
    assert found[0].folds == pytest.approx(0.003 / np.sqrt(2), rel=0.4)  # cells are means of two seeds
    assert all(each.behind.low > 0 for each in found[1:])


def test_kaplans_form_wins_on_its_own_surface():
    params, tokens = grid()
    form = FORMS["kaplan"]
    seen = form.loss(np.array([np.log(8.8e13), np.log(5.4e13), 0.076, 0.095]), params, tokens)
    seen = seen * np.exp(0.003 * np.random.default_rng(1).standard_normal(72))
    assert compare(MANY, losses(params, tokens, seen), SQUARES, {}, level=0.95, seed=0)[0].form == "kaplan"


def test_errors_within_the_sample_would_choose_the_wrong_form():
    """The liar: in sample a form with a free E is never behind one with E pinned to the truth; out of sample it is."""
    rng = np.random.default_rng(2)

    def scored():
        table = planted(0.03, rng, sizes=4, seeds=1)
        for within in ({}, {"E": (TRUTH["E"], TRUTH["E"])}):
            yield fit(problem(FORM, table, SQUARES, within)).objective
            yield compare([FORM], table, SQUARES, within, level=0.95, seed=0)[0].largest

    inside, largest, pinned_inside, pinned_largest = np.array(repeated(lambda: list(scored()), 20)).T
    assert (inside <= pinned_inside * (1 + 1e-9)).all() and largest.mean() > pinned_largest.mean()


def test_a_form_that_cannot_be_told_is_told_so_and_few_cells_are_refused():
    params = np.geomspace(1e7, 1e10, 15)
    table = losses(params, 20 * params, exact(params, 20 * params))
    found = compare([FORM, FORMS["power_params"]], table, SQUARES, {}, level=0.95, seed=0)
    assert found[0].form == "power_params" and "ray" in found[1].behind and np.isinf(found[1].folds)
    with pytest.raises(NoInformation, match="5 cells are too few"):
        compare([FORM], table.rows(np.arange(15) < 5), SQUARES, {}, level=0.95, seed=0)


def test_without_a_cell_is_a_fit_of_the_others():
    table = planted(0.01, np.random.default_rng(3), sizes=4)
    asked = problem(FORM, table, SQUARES)
    found = leverage(asked, table, fit(asked))
    for cell in (0, 7, 15):
        others = table.rows(table.cell_N != cell)
        alone = fit(problem(FORM, others, SQUARES))
        assert found.without_UQ[cell] == pytest.approx(FORM.values(alone.coordinate_Q), rel=1e-4)
    assert found.hat_U.sum() == pytest.approx(5.0) and (found.hat_U <= 1 + 1e-12).all()


@pytest.mark.parametrize("objective", [SQUARES, HUBER], ids=["squares", "huber"])
def test_a_planted_outlier_is_found(objective):
    params, tokens = grid(seeds=1)
    rng = np.random.default_rng(4)
    noise = 0.002 * rng.standard_normal(36)
    noise[35] += 0.1
    table = losses(params, tokens, exact(params, tokens) * np.exp(noise))
    asked = problem(FORM, table, objective)
    found = leverage(asked, table, fitted := fit(asked))
    off = np.abs(fitted.coordinate_Q - COORDINATE)
    assert found.worst[0] == 35 or not objective.squares
    assert off[0] < 0.02 or objective.squares  # Huber's loss is not moved far by one cell


def test_seeds_of_a_cell_stay_on_one_side():
    """The liar: folds over rows would leave seeds of a held-out cell in the fit."""
    table = planted(0.01, np.random.default_rng(5))
    held = np.zeros(36, bool)
    held[::5] = True
    others = table.rows(~held[table.cell_N])
    places = {(p, d) for p, d in zip(others.params_N, others.tokens_N, strict=True)}
    first = table.first_C[held]
    assert not places & set(zip(table.params_N[first], table.tokens_N[first], strict=True))
