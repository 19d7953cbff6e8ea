"""Every form: its gradient is that of its value, its starts lead to what is planted, and its formula is its value."""

import numpy as np
import pytest

from testbed.stats.scaling.fit import fit
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.problem import problem
from testbed.stats.scaling.table import losses
from tests.stats.scaling.planted import grid

PLANTED = {
    "chinchilla": [1.69, np.log(406.4), np.log(410.7), 0.34, 0.28],
    "kaplan": [np.log(8.8e13), np.log(5.4e13), 0.076, 0.095],
    "variance": [1.69, np.log(300.0), 0.1, 0.3],
    "power_params": [1.69, np.log(406.4), 0.34],
    "power_tokens": [1.69, np.log(410.7), 0.28],
    "broken_params": [1.5, np.log(60.0), 0.2, 0.25, np.log(6e8), 0.5],
    "broken_tokens": [1.5, np.log(60.0), 0.2, 0.25, np.log(3e10), 0.5],
}


def gradient(form, coordinate, log_params, log_tokens, step=1e-6):
    """The derivatives of log loss by central differences."""
    return np.stack(
        [
            (form.log_loss(coordinate + step * unit, log_params, log_tokens)[0]
             - form.log_loss(coordinate - step * unit, log_params, log_tokens)[0]) / (2 * step)
            for unit in np.eye(len(coordinate))
        ],
        axis=-1,
    )  # fmt: skip


def wrong(form, coordinate, log_params, log_tokens):
    """By how much a form's own gradient is off, in units of the largest."""
    _, own = form.log_loss(coordinate, log_params, log_tokens)
    other = gradient(form, coordinate, log_params, log_tokens)
    return float(np.max(np.abs(own - other) / np.abs(other).max(axis=0)))


def test_every_form_is_planted():
    assert set(PLANTED) == set(FORMS)


@pytest.mark.parametrize("name", FORMS)
def test_the_gradient_is_that_of_the_value(name):
    logs = [np.log(each) for each in grid(3, 1)]
    assert wrong(FORMS[name], np.array(PLANTED[name]), *logs) < 1e-6


def test_a_wrong_gradient_is_caught():
    """The liar: a gradient by the factor where that by its logarithm belongs."""
    form = FORMS["power_tokens"]

    def log_loss(coordinate, log_params, log_tokens):
        value, slope = form.log_loss(coordinate, log_params, log_tokens)
        return value, slope * np.array([1.0, np.exp(-coordinate[1]), 1.0])

    logs = [np.log(each) for each in grid(3, 1)]
    assert wrong(form._replace(log_loss=log_loss), np.array(PLANTED["power_tokens"]), *logs) > 0.1


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", FORMS)
def test_what_is_planted_is_found_without_noise(name, objective):
    form, coordinate, (params, tokens) = FORMS[name], np.array(PLANTED[name]), grid(7, 1)
    found = fit(problem(form, losses(params, tokens, form.loss(coordinate, params, tokens)), OBJECTIVES[objective]))
    assert found.coordinate_Q == pytest.approx(coordinate, rel=2e-5) and not found.at_bound


@pytest.mark.parametrize("name", FORMS)
def test_many_fits_at_once_are_each_alone(name):
    form, logs = FORMS[name], [np.log(each) for each in grid(3, 1)]
    two = np.array([PLANTED[name], 1.01 * np.array(PLANTED[name])])
    value, slope = form.log_loss(two, *logs)
    for at in range(2):
        alone = form.log_loss(two[at], *logs)
        assert np.array_equal(value[at], alone[0]) and np.array_equal(slope[at], alone[1])


def test_formulas_are_the_values():
    """Written out by hand, sharing nothing with the shelf."""
    p, d = np.array([1e8, 3e9]), np.array([1e10, 2e11])
    x, break_at = p, 6e8
    by_hand = {
        "chinchilla": 1.69 + 406.4 * p**-0.34 + 410.7 * d**-0.28,
        "kaplan": ((8.8e13 / p) ** (0.076 / 0.095) + 5.4e13 / d) ** 0.095,
        "variance": 1.69 + 300.0 * p**0.1 * d**-0.3,
        "power_params": 1.69 + 406.4 * p**-0.34,
        "power_tokens": 1.69 + 410.7 * d**-0.28,
        "broken_params": 1.5 + 60.0 * x**-0.2 * (1 + (x / break_at) ** 2) ** (-0.25 * 0.5),
        "broken_tokens": 1.5 + 60.0 * d**-0.2 * (1 + (d / 3e10) ** 2) ** (-0.25 * 0.5),
    }
    for name, form in FORMS.items():
        assert form.loss(np.array(PLANTED[name]), p, d) == pytest.approx(by_hand[name], rel=1e-12)
