"""What speaks against a fit is said: E above losses, terms that may be absent, odd FLOPs, optima out of reach."""

import numpy as np
import pytest

from testbed.stats.scaling.design import design_of, remedy
from testbed.stats.scaling.findings import findings
from testbed.stats.scaling.fit import fit
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.law import scaling_law
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.optimal import best
from testbed.stats.scaling.problem import problem
from testbed.stats.scaling.table import losses
from tests.stats.scaling.planted import COORDINATE, FORM, exact, grid, planted

SQUARES = OBJECTIVES["log-squares"]


def told(table, flops=(), within=None, **options):
    law = scaling_law(table, FORM, SQUARES, interval="profile", level=0.95, within=within or {}, **options)
    return findings(table, law, level=0.95, resamples=100, flops=flops, within=within)


def test_a_sound_table_has_no_caution():
    table = planted(0.003, np.random.default_rng(0))
    flops = np.array([1e19, 1e20])
    assert told(table, flops.tolist()).cautions == ()


@pytest.mark.parametrize("within", [(2.3, 2.3), (2.3, 9.0)], ids=["pinned", "assumed"])
def test_an_entropy_above_some_losses_is_told_with_their_number(within):
    table = planted(0.003, np.random.default_rng(0))
    below = int((table.loss_N < 2.3).sum())
    found = [each for each in told(table, within={"E": within}).cautions if each.startswith("E is held")]
    assert 0 < below < 72
    assert found == [
        f"E is held at 2.3 or above, and {below} of 72 losses lie below it, where this form has none; give a lower E."
    ]


def test_an_entropy_above_all_losses_is_refused():
    table = planted(0.003, np.random.default_rng(0))
    with pytest.raises(ValueError, match="E 50: it must lie below the losses, and the largest is"):
        told(table, within={"E": (50.0, 50.0)})


@pytest.mark.parametrize(("factor", "odd"), [(1.0, False), (1.3, False), (1e-12, True), (1 / 6, True)])
def test_flops_that_are_not_those_of_params_and_tokens_are_told(factor, odd):
    params, tokens = grid()
    seen = exact(params, tokens) * np.exp(0.003 * np.random.default_rng(0).standard_normal(72))
    found = told(losses(params, tokens, seen, 6 * params * tokens * factor)).cautions
    assert any(f"{factor:.3g} to {factor:.3g} times 6·P·D" in each for each in found) == odd


def test_an_optimum_outside_of_what_was_trained_is_told_and_is_the_true_one():
    """1e55 FLOPs lie far beyond e^20 of the sizes, where a search of that reach would find no optimum."""
    found = told(planted(0.001, np.random.default_rng(0)), [1e20, 1e55])
    assert "the best P at 1e+55 FLOPs and the best D at 1e+55 FLOPs lie outside" in found.cautions[-1]
    log_p, _ = best(FORM, COORDINATE[None], np.array([1e20, 1e55]), 6.0, (4e7, 1e10))
    alpha, beta = 0.34, 0.28
    power = np.log(alpha * 406.4 / beta / 410.7) / (alpha + beta) + beta / (alpha + beta) * np.log(
        np.array([1e20, 1e55]) / 6
    )
    assert log_p[0] == pytest.approx(power, abs=1e-4)


def without_tokens(seed, noise):
    """Losses that do not depend on D."""
    params, tokens = grid()
    return losses(
        params, tokens, (1.69 + 406.4 * params**-0.34) * np.exp(noise * np.random.default_rng(seed).standard_normal(72))
    )


def test_a_term_that_may_be_absent_is_told_and_no_optimum_is_made_of_it():
    found = told(without_tokens(4, 0.01))
    assert found.law.without["A"] < 1e-6 < 0.01 < found.law.without["B"]
    assert "a fit without the term of B is as good" in found.cautions[0]
    assert "do not tell what compute is best spent on" in found.frontier
    assert min(told(planted(0.03, np.random.default_rng(0))).law.without.values()) < 1e-6


def test_what_all_but_leaves_the_loss_is_named_with_a_form_that_can_be_fitted():
    """Without noise the term of tokens vanishes; the form that is named is fitted to the same table."""
    table = without_tokens(0, 0.0)
    asked = problem(FORM, table, SQUARES)
    fitted = fit(asked)
    gone = fitted._replace(coordinate_Q=np.array([1.69, np.log(406.4), -300.0, 0.34, 0.3]))
    with pytest.raises(
        ValueError, match=r"B, beta move no loss by more than rounding, .*; fit power_params or power_tokens"
    ):
        design_of(asked, table, gone)
    assert remedy(FORM) == "fit power_params or power_tokens"
    law = scaling_law(table, FORMS["power_params"], SQUARES, interval="profile", level=0.95)
    assert law.parameters["E"].value == pytest.approx(1.69, abs=1e-3)
