"""Where groups of cells share noise, the group is the unit: of what is left out, and of what is tested."""

import numpy as np
import pytest

from testbed.stats.identified import NoInformation
from testbed.stats.scaling import compare as comparing
from testbed.stats.scaling import leverage as leaving
from testbed.stats.scaling.compare import compare
from testbed.stats.scaling.fit import fit
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.law import lack_of_fit, pinned_fits
from testbed.stats.scaling.leverage import leverage
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.problem import problem
from testbed.stats.scaling.table import losses
from tests.stats.scaling.planted import FORM, exact, grid

SQUARES = OBJECTIVES["log-squares"]
PARAMS, TOKENS = grid(seeds=2)
GROUPS = np.repeat(np.arange(12), 6)  # three cells, two seeds each
PINS = {"alpha": (0.34, 0.34), "beta": (0.28, 0.28)}


def table(seed, grouped=True, shift=0.01):
    """Cells of a group share a shift of their losses."""
    rng = np.random.default_rng(seed)
    noise = shift * rng.standard_normal(12)[GROUPS] + 0.001 * rng.standard_normal(72)
    return losses(PARAMS, TOKENS, exact(PARAMS, TOKENS) * np.exp(noise), groups=GROUPS if grouped else None)


def test_without_a_group_is_a_fit_of_the_other_groups():
    given = table(0)
    asked = problem(FORM, given, SQUARES, PINS)
    found = leverage(asked, given, fit(asked))
    assert found.hat_U.shape == (12,) and found.hat_U.sum() == pytest.approx(3.0) and found.refits == 12
    for group in (0, 5, 11):
        alone = fit(problem(FORM, given.rows(given.group_N != group), SQUARES, PINS))
        assert found.without_UQ[group] == pytest.approx(FORM.values(alone.coordinate_Q), rel=1e-5)


def test_a_shift_of_one_group_is_found_and_cells_alone_would_each_be_blamed_less():
    seen = exact(PARAMS, TOKENS) * np.where(GROUPS == 7, 1.05, 1.0)
    seen = seen * np.exp(0.002 * np.random.default_rng(1).standard_normal(72))
    shifts = []
    for groups in (GROUPS, None):
        given = losses(PARAMS, TOKENS, seen, groups=groups)
        asked = problem(FORM, given, SQUARES, PINS)
        found = leverage(asked, given, fit(asked))
        assert GROUPS[np.flatnonzero(given.unit_N == found.worst[0])[0]] == 7
        shifts.append(np.abs(found.without_UQ - FORM.values(fit(asked).coordinate_Q)).max(axis=0)[0])
    assert shifts[0] > 1.5 * shifts[1]


def test_no_group_is_on_both_sides_of_a_comparison(monkeypatch):
    """The liar: folds over cells would leave other cells of a held-out group in the fit."""
    given, fitted_to = table(2), []
    monkeypatch.setattr(
        comparing, "problem", lambda form, seen, *rest: fitted_to.append(seen) or problem(form, seen, *rest)
    )
    found = compare([FORM, FORMS["power_params"]], given, SQUARES, PINS, level=0.95, seed=0)
    shares = []
    for seen in fitted_to:
        inside = {tuple(row) for row in np.column_stack([seen.params_N, seen.tokens_N, seen.loss_N])}
        own = np.array([row in inside for row in zip(given.params_N, given.tokens_N, given.loss_N, strict=True)])
        shares.append(own.mean())
        assert not set(given.group_N[own]) & set(given.group_N[~own])
    assert len(fitted_to) == 12 and max(shares) < 1
    assert {each.behind.n for each in found if not isinstance(each.behind, str)} == {12}


def test_few_groups_are_not_compared():
    given = losses(PARAMS, TOKENS, exact(PARAMS, TOKENS), groups=np.repeat(np.arange(6), 12))
    with pytest.raises(NoInformation, match="6 groups are too few to leave some out"):
        compare([FORM], given, SQUARES, {}, level=0.95, seed=0)


def test_errors_of_groups_are_those_of_new_groups():
    """Root mean squares over folds tell the shared shift, 1 %, though seeds of a cell differ by a tenth of it."""
    found = [compare([FORM], table(seed), SQUARES, PINS, level=0.95, seed=0)[0].folds for seed in range(10)]
    assert np.mean(found) == pytest.approx(0.01, rel=0.4)


def test_a_shared_shift_is_not_taken_for_a_wrong_form_or_a_wrong_entropy():
    """The liar: with cells as the unit the right form is rejected, as its cells scatter more than their seeds."""
    for grouped in (True, False):
        given = table(3, grouped)
        asked = problem(FORM, given, SQUARES)
        chance = lack_of_fit(asked, given, fit(asked))
        assert chance is None if grouped else chance < 1e-6
        asked = problem(FORM, given, SQUARES, {"E": (1.69, 1.69)})
        assert (pinned_fits(asked, given, fit(asked)) is None) == grouped


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_of_many_units_those_that_move_most_are_refitted(monkeypatch, objective):
    rng = np.random.default_rng(4)
    params, tokens = 10 ** rng.uniform(7, 10, 300), 10 ** rng.uniform(9, 12, 300)
    noise = 0.003 * rng.standard_normal(300)
    noise[17] = 0.2
    given = losses(params, tokens, exact(params, tokens) * np.exp(noise))
    asked = problem(FORM, given, objective)
    fitted, refitted = fit(asked), []
    whole = leverage(asked, given, fitted)
    descend = leaving.descend
    monkeypatch.setattr(leaving, "REFITS", 20)
    monkeypatch.setattr(leaving, "descend", lambda *a, **k: refitted.append(len(a[1])) or descend(*a, **k))
    found = leverage(asked, given, fitted)
    assert whole.refits == 300 and found.refits == sum(refitted) == 20
    assert found.worst[0] == whole.worst[0]
    change = [np.log(each.without_UQ / FORM.values(fitted.coordinate_Q)) for each in (found, whole)]
    if objective.squares:
        assert np.abs(change[0] - change[1]).max() < 0.1 * np.abs(change[1]).max()
    assert (np.abs(change[0]).max(axis=0) == np.abs(change[1]).max(axis=0)).all()
