"""The best fit: the sum, not the mean; the least of many starts; unbiased; the pins it was given; the bounds it hit."""

import numpy as np
import pytest
from scipy.optimize import minimize

from testbed.stats.scaling.fit import fit, quasi_newton
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.problem import of_cells, problem
from testbed.stats.scaling.projection import variable_projection
from testbed.stats.scaling.table import losses
from tests.stats.laws import repeated
from tests.stats.scaling.planted import COORDINATE, FORM, NOISES, exact, grid, planted

SQUARES, HUBER = OBJECTIVES["log-squares"], OBJECTIVES["huber"]


def by_scipy(table, delta):
    """Hoffmann's objective written out, by another optimiser, from the truth."""

    def objective(x):
        e, a, b, alpha, beta = x
        loss = e + np.exp(a - alpha * np.log(table.params_N)) + np.exp(b - beta * np.log(table.tokens_N))
        r = np.abs(np.log(loss) - np.log(table.loss_N))
        return float(np.sum(np.where(r < delta, r**2 / 2, delta * (r - delta / 2))))

    options = {"maxiter": 40000, "maxfev": 40000, "xatol": 1e-10, "fatol": 1e-16}
    start = COORDINATE
    for _ in range(4):
        start = minimize(objective, start, method="Nelder-Mead", options=options).x
    return start, objective(start)


@pytest.mark.parametrize("noise", [0.001, 0.01])
def test_against_the_objective_written_out(noise):
    table = planted(noise, np.random.default_rng(3))
    found = fit(problem(FORM, table, HUBER))
    coordinate, value = by_scipy(table, HUBER.delta)
    assert found.objective <= value * (1 + 1e-9)
    assert found.objective == pytest.approx(value, rel=1e-3)
    assert found.coordinate_Q == pytest.approx(coordinate, rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_a_mean_stops_early(seed):
    """The liar: the mean over rows, at the tolerance at which the sum is followed to its end."""
    params, tokens = grid(seeds=20)
    noise = np.random.default_rng(seed).standard_normal(len(params))
    asked = problem(FORM, losses(params, tokens, exact(params, tokens) * np.exp(0.01 * noise)), HUBER)
    start, best = COORDINATE + np.array([0.1, -0.3, 0.3, 0.02, -0.02]), fit(asked)
    ends = [quasi_newton(asked, start, share=share, tolerance=1e-11) for share in (1.0, 1 / len(params))]
    excess = [float(asked.value(end)) / best.objective - 1 for end in ends]
    assert excess[0] < 1e-8 and excess[1] > 1e-4
    assert abs(ends[0][0] - best.coordinate_Q[0]) < 1e-5 < 1e-3 < abs(ends[1][0] - best.coordinate_Q[0])


def test_the_objective_is_a_sum():
    """Every row twice is twice the objective, at the same place."""
    table = planted(0.01, np.random.default_rng(5))
    twice = losses(*(np.repeat(column, 2) for column in (table.params_N, table.tokens_N, table.loss_N)))
    for objective in (SQUARES, HUBER):
        one, two = fit(problem(FORM, table, objective)), fit(problem(FORM, twice, objective))
        assert two.objective == pytest.approx(2 * one.objective, rel=1e-9)
        assert two.coordinate_Q == pytest.approx(one.coordinate_Q, rel=1e-3)


@pytest.mark.parametrize("objective", [SQUARES, HUBER], ids=["squares", "huber"])
@pytest.mark.parametrize("noise", NOISES)
def test_no_bias_beyond_a_standard_error(noise, objective):
    """Over 60 surfaces each parameter's mean lies within its standard error, of a fit, of the truth."""
    rng = np.random.default_rng(1)
    fits = repeated(lambda: fit(problem(FORM, planted(noise, rng), objective)).coordinate_Q, 60)
    off = np.array(fits) - COORDINATE
    assert (np.abs(off.mean(0)) < off.std(0) * (0.25 + 3 / np.sqrt(60))).all()


def test_a_wrong_entropy_is_a_bias():
    """The liar: E pinned 0.1 too low moves both exponents by many standard errors."""
    rng = np.random.default_rng(1)

    def off():
        asked = problem(FORM, planted(0.003, rng), SQUARES, {"E": (1.59, 1.59)})
        return fit(asked).coordinate_Q - COORDINATE

    found = np.array(repeated(off, 20))
    assert (np.abs(found.mean(0)[1:]) > 3 * found.std(0)[1:]).all()


def test_variable_projection_is_the_least_squares_of_the_loss():
    table = planted(0.01, np.random.default_rng(2))
    asked = problem(FORM, table, OBJECTIVES["squares"])
    found, projected = fit(asked), variable_projection(asked, COORDINATE)
    assert projected.value_Q == pytest.approx(FORM.values(found.coordinate_Q), rel=1e-7)
    assert projected.squares == pytest.approx(2 * found.objective, rel=1e-12)


def test_means_of_cells_have_the_same_minimum():
    table = planted(0.01, np.random.default_rng(2), seeds=3)
    for name in ("log-squares", "squares"):
        asked = problem(FORM, table, OBJECTIVES[name])
        one, other = fit(asked), fit(of_cells(asked, table))
        assert one.coordinate_Q == pytest.approx(other.coordinate_Q, rel=1e-8)


def test_a_pin_holds_and_a_bound_is_told():
    table = planted(0.003, np.random.default_rng(4))
    pinned = fit(problem(FORM, table, SQUARES, {"E": (1.69, 1.69), "beta": (0.28, 0.28)}))
    assert pinned.coordinate_Q[[0, 4]].tolist() == [1.69, 0.28] and not pinned.at_bound
    assert fit(problem(FORM, table, SQUARES, {"E": (1.0, 1.4)})).at_bound == ("E",)
    with pytest.raises(ValueError, match="gamma: chinchilla has no such parameter; name one of E, A, B"):
        problem(FORM, table, SQUARES, {"gamma": (1.0, 1.0)})
    with pytest.raises(ValueError, match="E within -1 and 2: both must be finite, in rising order and not below 0"):
        problem(FORM, table, SQUARES, {"E": (-1.0, 2.0)})


def test_units_do_not_matter():
    """P in millions and D in billions: exponents, E and the objective stay, factors follow."""
    table = planted(0.01, np.random.default_rng(6))
    other = losses(table.params_N / 1e6, table.tokens_N / 1e9, table.loss_N)
    one, two = (fit(problem(FORM, each, SQUARES)) for each in (table, other))
    assert two.objective == pytest.approx(one.objective, rel=1e-9)
    assert two.coordinate_Q[[0, 3, 4]] == pytest.approx(one.coordinate_Q[[0, 3, 4]], rel=1e-6)
    moved = one.coordinate_Q[1] - one.coordinate_Q[3] * np.log(1e6)
    assert two.coordinate_Q[1] == pytest.approx(moved, rel=1e-5)
