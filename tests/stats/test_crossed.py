"""The split of a crossed design finds planted variances, in its intervals as often as it says, on either side."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from testbed.stats.crossed import crossed, nested
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.mean_squares import Squares, at_least_zero, component
from tests.stats.laws import repeated

LEVEL = 0.95
DESIGNS = ((3, 3, 1), (4, 4, 1), (8, 4, 1), (4, 3, 2))
PLANTED = ((0.0, 0.0, 1.0, 1.0), (0.3, 0.0, 1.0, 1.0), (1.0, 0.3, 1.0, 0.5), (1.0, 1.0, 1.0, 1.0), (3.0, 3.0, 1.0, 0.1))
"""Deviations of draw, initialisation, interaction and repetition."""
SIMULATIONS = 600


def gaussian(rng, *shape):
    return rng.standard_normal(shape)


def student(rng, *shape):
    return rng.standard_t(5, shape) / np.sqrt(5 / 3)


def runs(rng, design, planted, effect=gaussian):
    draws, starts, times = design
    draw, start, both, again = planted
    y = draw * effect(rng, draws, 1, 1) + start * effect(rng, 1, starts, 1) + both * effect(rng, draws, starts, 1)
    return y + again * effect(rng, draws, starts, times) if times > 1 else y[..., 0]


def truth(design, planted):
    """Mean, and the variances of draw, initialisation and rest."""
    again = planted[3] ** 2 if design[2] > 1 else 0.0
    return np.array([0.0, planted[0] ** 2, planted[1] ** 2, planted[2] ** 2 + again])


def seen(design, planted, split, simulations=SIMULATIONS, effect=gaussian):
    """Shares of intervals that hold their truth, lie above it, and lie below it: mean, draw, initialisation, rest."""
    rng = np.random.default_rng(0)
    found = repeated(lambda: split(runs(rng, design, planted, effect), level=LEVEL), simulations)
    low, high = (np.array([[getattr(part, end) for part in each[:4]] for each in found]) for end in ("low", "high"))
    wanted = truth(design, planted)
    return ((low <= wanted) & (wanted <= high)).mean(0), (low > wanted).mean(0), (high < wanted).mean(0)


@pytest.mark.parametrize("planted", PLANTED, ids=str)
@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_all_parts_are_covered_and_missed_on_both_sides_alike(design, planted):
    covered, above, below = seen(design, planted, crossed)
    assert (np.abs(covered - LEVEL) <= 0.03 + 0.005).all(), covered
    assert max(above.max(), below.max()) <= 0.05


def forgetful(y, *, level):
    """The liar: sums of squares over the number of levels and of cells, as if no mean had been taken off."""
    split = crossed(y, level=level)
    squares = split.squares._replace(freedom_S=np.array([len(y), y.shape[1], y.size], float))
    weights = np.array([[1.0, 0, -1], [0, 1, -1], [0, 0, 1]]) / np.array([[y.shape[1]], [len(y)], [1]])
    return split.mean, *(component(squares, weights_S, level=level) for weights_S in weights)


def test_a_split_that_forgets_its_degrees_of_freedom_is_caught():
    covered, _, below = seen((3, 3, 1), (1.0, 1.0, 1.0, 0.0), forgetful)
    assert covered[3] < LEVEL - 0.03 and below[3] > 0.1
    rng = np.random.default_rng(1)
    biased = [forgetful(runs(rng, (3, 3, 1), (1.0, 1.0, 1.0, 0.0)), level=LEVEL)[3].value for _ in range(400)]
    assert np.mean(biased) < 0.6


def test_heavy_tails_leave_the_mean_and_narrow_the_variances():
    covered, _, _ = seen((8, 4, 1), (1.0, 1.0, 1.0, 0.0), crossed, effect=student)
    assert covered[0] > LEVEL - 0.03
    assert (covered[1:] > 0.8).all() and covered[3] < LEVEL - 0.03


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_estimates_are_unbiased_and_may_be_negative(design):
    rng, planted = np.random.default_rng(2), (0.5, 0.0, 1.0, 1.0)
    found = repeated(lambda: crossed(runs(rng, design, planted), level=LEVEL), 1500)
    value = np.array([[part.value for part in each[:4]] for each in found])
    error = value.std(0) / np.sqrt(len(value))
    assert (np.abs(value.mean(0) - truth(design, planted)) < 4 * error).all()
    assert (value[:, 2] < 0).mean() > 0.3
    assert all(each.initialisation.low < each.initialisation.value for each in found)


@pytest.mark.parametrize("draw", [0.0, 1.0])
def test_draws_with_runs_within_are_covered(draw):
    rng = np.random.default_rng(3)

    def one():
        return nested(draw * rng.standard_normal((5, 1)) + rng.standard_normal((5, 4)), level=LEVEL)

    found, wanted = repeated(one, SIMULATIONS), (0.0, draw**2, 1.0)
    for part, value in enumerate(wanted):
        covered = np.mean([each[part].low <= value <= each[part].high for each in found])
        assert abs(covered - LEVEL) <= 0.035


@pytest.mark.parametrize("design", [(4, 3, 1), (4, 3, 2)], ids=str)
def test_sums_of_squares_are_those_of_statsmodels(design):
    y = runs(np.random.default_rng(4), design, (1.0, 1.0, 1.0, 1.0))
    place = np.indices(design).reshape(3, -1)
    table = pd.DataFrame({"y": y.ravel(), "a": place[0], "i": place[1]})
    model = "y ~ C(a) + C(i)" + (" + C(a):C(i)" if design[2] > 1 else "")
    squares = crossed(y, level=LEVEL).squares
    expected = anova_lm(ols(model, table).fit())
    np.testing.assert_allclose(squares.sum_S, expected["sum_sq"].to_numpy(), rtol=1e-10)
    np.testing.assert_allclose(squares.freedom_S, expected["df"].to_numpy())


def test_the_lower_end_is_zero_exactly_where_the_test_of_no_variance_is_at_its_critical_value():
    from scipy.stats import f

    freedom = np.array([4.0, 12.0])
    squares = Squares(np.array([f.isf((1 - LEVEL) / 2, *freedom), 1.0]) * freedom, freedom, 5)
    assert component(squares, np.array([1.0, -1.0]), level=LEVEL).low == pytest.approx(0.0, abs=1e-9)


def test_one_mean_square_has_the_exact_interval_whatever_its_sign():
    from scipy.stats import chi2

    squares = Squares(np.array([7.0]), np.array([3.0]), 4)
    up, down = component(squares, np.ones(1), level=0.9), component(squares, -np.ones(1), level=0.9)
    assert np.allclose([up.low, up.high], 7.0 / chi2.isf([0.05, 0.95], 3))
    assert np.allclose([down.low, down.high], [-up.high, -up.low])


def test_cutting_is_said_and_leaves_what_is_above_zero():
    below = Estimate(value=-1.0, low=-2.0, high=-0.5, level=LEVEL, n=3, method="t")
    assert at_least_zero(below) == Estimate(value=0.0, low=0.0, high=0.0, level=LEVEL, n=3, method="t; cut at 0")
    above = Estimate(value=1.0, low=0.5, high=2.0, level=LEVEL, n=3, method="t")
    assert at_least_zero(above) is above


def test_splits_change_with_the_unit_and_the_order_of_runs_as_they_must():
    y = runs(np.random.default_rng(5), (4, 3, 1), (1.0, 1.0, 1.0, 0.0))
    one, other = crossed(y, level=LEVEL), crossed(8.0 * y[::-1], level=LEVEL)
    turned = crossed(y.T, level=LEVEL)
    assert other.draw.high == pytest.approx(64 * one.draw.high) and other.mean.low == pytest.approx(8 * one.mean.low)
    assert turned.draw.low == pytest.approx(one.initialisation.low)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros((1, 3)), "1 draws"),
        (np.zeros((3, 1)), "1 initialisations"),
        (np.tile([1.0, 2.0, 4.0], (3, 1)), "copies"),
        (np.array([[1.0, np.nan], [2.0, 3.0]]), "finite"),
    ],
)
def test_what_tells_nothing_is_a_sentence(y, words):
    with pytest.raises(NoInformation, match=words):
        crossed(y, level=LEVEL)
