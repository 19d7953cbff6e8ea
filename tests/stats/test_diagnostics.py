"""Lines through the cells of a grid: diagnostics against statsmodels, the null of whole groups against truth."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from testbed.stats.diagnostics import by_group, partial, permuted, regression
from testbed.stats.identified import NoInformation
from testbed.stats.permutation import orders
from tests.stats.laws import SIGMAS, covers, repeated

LEVEL, SIZE = 0.95, 0.05
CELLS, COMMON = 4, 0.9
"""Cells of a group, and the share of their variance that they have in common."""
CONTROLS = {"none": (), "the same in every group": ("place",), "constant in a group": ("group",)}


def none(cells):
    return np.zeros((cells, 0))


def column(rng, groups):
    """A column whose cells are alike in groups."""
    shared, own = rng.standard_normal((groups, 1)), rng.standard_normal((groups, CELLS))
    return (np.sqrt(COMMON) * shared + np.sqrt(1 - COMMON) * own).ravel()


def grid(rng, groups, controls, correlation=0.0):
    """y, x, controls and groups; both columns also follow the controls."""
    x, apart = column(rng, groups), column(rng, groups)
    y = correlation * x + np.sqrt(1 - correlation**2) * apart
    group, place = (each.ravel().astype(float) for each in np.indices((groups, CELLS)))
    controls_NC = np.column_stack([none(len(x)), *({"group": group, "place": place}[name] for name in controls)])
    return y + controls_NC.sum(1), x - 2 * controls_NC.sum(1), controls_NC, group.astype(int).tolist()


def test_each_cell_does_what_statsmodels_says():
    rng = np.random.default_rng(0)
    x, controls = rng.standard_normal(12), rng.standard_normal((12, 2))
    y = 3.0 + 2 * x + controls @ [1.0, -1.0] + rng.standard_normal(12)
    y[3] += 20.0
    fit = OLS(y, np.column_stack([np.ones(12), controls, x])).fit()
    expected, found = fit.get_influence(), regression(y, x, controls, level=LEVEL)
    np.testing.assert_allclose(found.leverage_N, expected.hat_matrix_diag, rtol=1e-10)
    np.testing.assert_allclose(found.residual_N, expected.resid_studentized_external, rtol=1e-9)
    np.testing.assert_allclose(found.cook_N, expected.cooks_distance[0], rtol=1e-9)
    low, high = fit.conf_int(1 - LEVEL)[-1]
    assert np.allclose([found.slope.low, found.slope.value, found.slope.high], [low, fit.params[-1], high], rtol=1e-10)
    assert np.abs(found.residual_N).argmax() == 3 and found.leverage_N.sum() == pytest.approx(4)


def test_the_partial_correlation_is_that_of_two_regressions_and_of_the_t_of_one():
    rng = np.random.default_rng(1)
    y, x, controls, _ = grid(rng, 5, ("place",), 0.5)
    base = np.column_stack([np.ones(len(y)), controls])
    residual = [OLS(each, base).fit().resid for each in (y, x)]
    found = partial(y, x, controls, level=LEVEL)
    assert found.value == pytest.approx(np.corrcoef(*residual)[0, 1])
    t, freedom = OLS(y, np.column_stack([base, x])).fit().tvalues[-1], len(y) - 3
    assert found.value == pytest.approx(t / math.sqrt(t**2 + freedom))
    half = stats.norm.ppf((1 + LEVEL) / 2) / math.sqrt(len(y) - 1 - 3)
    assert found.high == pytest.approx(math.tanh(math.atanh(found.value) + half))


@pytest.mark.parametrize("truth", [0.0, 0.6])
def test_fisher_covers_independent_cells(truth):
    def one(rng):
        x = rng.standard_normal(20)
        y = truth * x + math.sqrt(1 - truth**2) * rng.standard_normal(20)
        return partial(y, x, none(20), level=LEVEL), truth

    assert covers(one, level=LEVEL)


@pytest.mark.parametrize("truth", [0.0, 0.6])
def test_groups_left_out_cover_where_cells_as_independent_do_not(truth):
    def one(rng, told):
        y, x, controls, groups = grid(rng, 6, (), truth)
        return told(y, x, controls, groups), truth

    assert covers(lambda rng: one(rng, lambda *all_of: by_group(*all_of, level=LEVEL)), level=LEVEL)
    assert not covers(lambda rng: one(rng, lambda *all_of: partial(*all_of[:3], level=LEVEL)), level=LEVEL)


def rejections(groups, controls, relabel, simulations=400):
    """The share of worlds without any relation in which p is 5 % or less."""
    rng = np.random.default_rng(groups)

    def one():
        y, x, controls_NC, names = grid(rng, groups, controls)
        return permuted(y, x, controls_NC, relabel(names), most=120 if groups < 6 else 199, seed=int(rng.integers(99)))

    return np.mean([found.p_value <= SIZE for found in repeated(one, simulations)])


@pytest.mark.parametrize("controls", CONTROLS.values(), ids=CONTROLS)
@pytest.mark.parametrize("groups", [5, 7])
def test_whole_groups_are_rejected_as_often_as_the_level_says(controls, groups):
    allowed = SIZE + 0.02 * ("group" in controls) + SIGMAS * math.sqrt(SIZE * (1 - SIZE) / 400)
    assert 0.01 < rejections(groups, controls, list) <= allowed


def test_a_permutation_of_single_cells_is_caught():
    """The liar: each cell a group of its own."""
    assert rejections(6, (), lambda names: list(range(len(names))), simulations=200) > 4 * SIZE


def test_a_relation_between_groups_is_found_and_few_groups_cannot_tell():
    rng = np.random.default_rng(3)
    y, x, controls, groups = grid(rng, 6, (), 0.98)
    assert permuted(y, x, controls, groups, most=999, seed=0).p_value < 0.02
    few = permuted(y[:12], x[:12], controls[:12], groups[:12], most=999, seed=0)
    assert few.exact and few.permutations == 6 and few.p_value >= 1 / 6


def test_all_permutations_are_visited_and_the_p_value_is_their_share():
    y, x, controls, groups = grid(np.random.default_rng(4), 4, ("place",))
    base = np.column_stack([np.ones(16), controls])
    fit = OLS(x, base).fit()
    shown = []
    for order in itertools.permutations(range(4)):
        moved = fit.fittedvalues + fit.resid.reshape(4, CELLS)[list(order)].ravel()
        shown.append(abs(np.corrcoef(OLS(y, base).fit().resid, OLS(moved, base).fit().resid)[0, 1]))
    found = permuted(y, x, controls, groups, most=24, seed=0)
    assert found.exact and found.permutations == 24
    assert abs(found.correlation) == pytest.approx(shown[0])
    assert found.p_value == pytest.approx(np.mean(np.array(shown) >= shown[0] - 1e-12))
    drawn = permuted(y, x, controls, groups, most=23, seed=0)
    assert not drawn.exact and drawn.permutations == 23 and drawn.p_value >= 1 / 24


def test_groups_of_other_sizes_keep_their_places():
    names = ["a", "b", "a", "c", "c", "d"]
    found = orders(names, most=100, seed=0)
    assert found.exact and len(found.order_TN) == 4
    assert sorted(map(tuple, found.order_TN.tolist())) == [
        (0, 1, 2, 3, 4, 5), (0, 5, 2, 3, 4, 1), (3, 1, 4, 0, 2, 5), (3, 5, 4, 0, 2, 1)
    ]  # fmt: skip
    assert (np.sort(orders(names, most=3, seed=0).order_TN, axis=1) == np.arange(6)).all()


@pytest.mark.parametrize(
    ("y", "x", "controls", "words"),
    [
        ([1.0, 2, 3], [1.0, 0, 3], none(3), "4 or more"),
        ([1.0, 2, 3, 4, 6], [1.0, 1, 1, 1, 2], none(5), "alone decides"),
        ([1.0, 2, 3, 4, 5], [1.0, 2, 3, 4, 5], none(5), "scatters"),
        ([1.0, 2, 4, 4, 5], [1.0, 2, 3, 4, 5], np.array([[1.0], [2], [3], [4], [5]]), "depend"),
    ],
)
def test_lines_that_cannot_be_told_are_sentences(y, x, controls, words):
    with pytest.raises(NoInformation, match=words):
        regression(np.array(y), np.array(x), controls, level=LEVEL)


def test_groups_that_cannot_change_places_are_a_sentence():
    with pytest.raises(NoInformation, match="no two groups"):
        orders([0, 1, 1, 2, 2, 2], most=9, seed=0)


def test_groups_without_a_name_or_that_are_copies_are_refused():
    """NaN had been left out of nothing, for an interval of no width."""
    x, y, none = np.arange(8.0), np.array([0.0, 2, 1, 4, 3, 6, 5, 7]), np.zeros((8, 0))
    for unnamed in ([float("nan") for _ in range(8)], [0, 0, 1, 1, 2, 2, 3, float("nan")]):
        with pytest.raises(NoInformation, match="is no name"):
            by_group(y, x, none, unnamed, level=0.95)
        with pytest.raises(NoInformation, match="is no name"):
            permuted(y, x, none, unnamed, most=99, seed=0)
    copied = (
        np.tile([0.0, 1, 0.5, 2], 3),
        np.tile([0.0, 1, 2, 3], 3),
        np.zeros((12, 0)),
        np.repeat([0, 1, 2], 4).tolist(),
    )
    with pytest.raises(NoInformation, match="copies of one"):
        by_group(*copied, level=0.95)
