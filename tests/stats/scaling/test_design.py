"""What cannot be told is refused, with the reason: rays, single sizes, few cells, parameters without effect."""

import numpy as np
import pytest

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.design import RAY, check_design, design_of, off_ray
from testbed.stats.scaling.fit import fit
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.law import scaling_law
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.problem import problem
from testbed.stats.scaling.table import losses
from tests.stats.scaling.planted import FORM, exact, grid, planted

SQUARES = OBJECTIVES["log-squares"]
BOTH = [name for name, form in FORMS.items() if len(form.reads) == 2]


def ray(power=1.0, jitter=0.0, count=20):
    rng = np.random.default_rng(0)
    params = np.geomspace(1e7, 1e10, count)
    tokens = 20 * 1e8 * (params / 1e8) ** power * np.exp(jitter * rng.standard_normal(count))
    return losses(params, tokens, exact(params, tokens) * np.exp(0.003 * rng.standard_normal(count)))


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize(("power", "jitter"), [(1.0, 0.0), (1.0, 0.01), (0.5, 0.0), (-1.0, 0.0)])
def test_a_ray_is_refused(form, power, jitter):
    table = ray(power, jitter)
    with pytest.raises(NoInformation, match=r"all cells lie on a ray, D = .*·P\^"):
        check_design(problem(FORMS[form], table, SQUARES), table)


@pytest.mark.parametrize("form", ["power_params", "power_tokens", "broken_params", "broken_tokens"])
def test_a_form_of_one_variable_may_be_fitted_on_a_ray(form):
    table = ray()
    check_design(problem(FORMS[form], table, SQUARES), table)


def test_exponents_that_are_pinned_may_be_fitted_on_a_ray():
    table = ray()
    asked = problem(FORM, table, SQUARES, {"alpha": (0.34, 0.34), "beta": (0.28, 0.28)})
    check_design(asked, table)
    assert fit(asked).coordinate_Q[0] == pytest.approx(1.69, abs=0.2)


def test_a_grid_is_no_ray_and_tokens_per_parameter_that_differ_are_enough():
    assert off_ray(planted(0.01, np.random.default_rng(0))) == pytest.approx(1.0)
    table = ray(jitter=np.log(3.0))
    check_design(problem(FORM, table, SQUARES), table)


def test_the_condition_grows_as_a_design_narrows_to_a_ray():
    """The oracle: published theory of designs D = kP, whose exponents are lost as the ratio stops to vary."""
    conditions = []
    for jitter in (1.0, 0.3, 0.1):
        table = ray(jitter=jitter, count=40)
        asked = problem(FORM, table, SQUARES, {"E": (1.69, 1.69)})
        conditions.append(design_of(asked, table, fit(asked)).condition)
    assert conditions[0] < conditions[1] < conditions[2]


def test_the_check_looks_at_scatter_not_at_a_correlation_alone():
    """The liar: a check by correlation above 0.99 would refuse runs whose tokens per parameter differ twofold."""
    table = ray(jitter=np.log(1.5))
    assert off_ray(table) > 10 * RAY
    log_p, log_d = np.log(table.params_N), np.log(table.tokens_N)
    assert np.corrcoef(log_p, log_d)[0, 1] > 0.97
    check_design(problem(FORM, table, SQUARES), table)


def test_one_size_and_few_cells_are_refused():
    params, tokens = grid()
    same = np.full(72, 1e8)
    one = losses(same, tokens, exact(same, tokens))
    with pytest.raises(NoInformation, match="all 6 cells have params 1e\\+08, so nothing tells"):
        check_design(problem(FORM, one, SQUARES), one)
    few = losses(params[::15], tokens[::15], exact(params[::15], tokens[::15]))
    with pytest.raises(NoInformation, match=r"5 cells .* for 5 parameters of chinchilla; there must be at least 6"):
        check_design(problem(FORM, few, SQUARES), few)


def test_losses_that_do_not_fall_are_refused_after_the_fit():
    params, tokens = grid()
    flat = losses(params, tokens, 2.0 * np.exp(0.01 * np.random.default_rng(0).standard_normal(72)))
    asked = problem(FORM, flat, SQUARES)
    with pytest.raises(
        NoInformation, match=r"A, B, alpha, beta move no loss by more than rounding.*; add runs whose losses differ"
    ):
        design_of(asked, flat, fit(asked))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("form", FORMS)
def test_losses_that_are_all_alike_tell_no_form(form, objective):
    """Kaplan's had been fitted with a factor of 10^260 and a narrow interval for its exponent."""
    params, tokens = (each.ravel() for each in np.meshgrid(1e6 * np.arange(1, 6), 1e8 * np.arange(1, 6)))
    table = losses(params, tokens, np.full(25, 3.0))
    kind = "cells" if objective == "huber" else "profile"
    try:
        found = scaling_law(table, FORMS[form], OBJECTIVES[objective], interval=kind, level=0.95, resamples=100)
    except NoInformation:
        return
    assert found.status != "converged"
    assert all(np.isinf(part.high) for part in found.parameters.values())


def test_few_cells_are_no_interval_by_resampling():
    """The ends had been the least and the greatest of the resamples, which covered 63 % at 95 %."""
    tokens = 4.0 ** np.arange(10, 14)
    table = losses(tokens, tokens, (1.69 + 410.7 * tokens**-0.28) * np.exp([0.003, -0.002, 0.001, -0.003]))
    with pytest.raises(NoInformation, match="4 cells leave 1 over for 3 parameters"):
        scaling_law(table, FORMS["power_tokens"], OBJECTIVES["huber"], interval="cells", level=0.95)


def test_groups_that_hold_cells_are_resampled_or_refused():
    """A profile had passed over them."""
    seen = planted(0.003, np.random.default_rng(0))
    table = losses(seen.params_N, seen.tokens_N, seen.loss_N, groups=seen.params_N)
    assert table.grouped and not seen.grouped
    for interval in ("profile", "seeds"):
        with pytest.raises(ValueError, match="the table names groups"):
            scaling_law(table, FORM, SQUARES, interval=interval, level=0.95)
