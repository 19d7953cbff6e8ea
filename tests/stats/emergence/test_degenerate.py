"""Every public statistic of emergence, on input that carries no information: a sound number, or one sentence."""

import inspect
import pkgutil
import traceback
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import testbed.stats
from testbed.stats import emergence
from testbed.stats.emergence.rises import Rises, rises
from testbed.stats.identified import NoInformation
from tests.stats.emergence.planted import columns
from tests.stats.numbers_at_random import Draw, column, module, odd, table
from tests.stats.test_degenerate import sentence, sound

ROOM = Path(testbed.stats.__file__).parent


def drawn(draw):
    """Rises that some constructor took: of sound worlds, of odd columns, with errors and seeds or none."""
    size = draw.data.draw(st.integers(6, 12))
    x_N, score_N, x_error_N, error_N, groups = columns(np.random.default_rng(size), cells=size, seeds=4)
    kind = draw.data.draw(st.sampled_from(["sound", "odd", "flat", "seeds", "exact"]))
    try:
        if kind == "odd":
            errors = (column(draw.data, size), column(draw.data, size))
            return rises(column(draw.data, size), column(draw.data, size), (0.0, 1.0), errors)
        if kind == "flat":
            return rises(x_N, np.full(size, draw.data.draw(odd)), (0.0, 1.0))
        errors = (0.0, 0.0) if kind == "exact" else (x_error_N, error_N)
        return rises(x_N, score_N, (0.1, 0.7), errors, groups if kind == "seeds" else None)
    except NoInformation:
        return Rises(*(np.zeros(0) for _ in range(4)), np.zeros(0, np.int64))


def groups(draw):
    return draw.data.draw(st.sampled_from([[0, 0, 1, 1, 2, 2, 3, 3, 4, 4], list(range(10)), [0] * 10]))


CALLS = {
    "abrupt.abrupt": lambda f, d: f(drawn(d), d.data.draw(st.sampled_from([0.3, 1.0, 0.0, 1e300])), resamples=19),
    "abrupt.all_right": lambda f, d: f(d.some(), d.data.draw(st.integers(0, 3))),
    "abrupt.argmax_right": lambda f, d: f(d.data.draw(st.sampled_from([np.array([0.0, 1.0])])), d.data.draw(odd)),
    "bimodal.bimodal": lambda f, d: f(d.sample()),
    "bimodal.dips": lambda f, d: f(table(d.data, d.size, 9)),
    "collapse.collapse": lambda f, d: f(
        column(d.data, 10), column(d.data, 10), table(d.data, 10, 2), groups(d), level=d.level
    ),
    "collapse.held_out": lambda f, d: f(
        column(d.data, 10), table(d.data, 10, d.data.draw(st.integers(0, 2))), groups(d)
    ),
    "cost.cost": lambda f, d: f(column(d.data, 8, True), column(d.data, 8), column(d.data, 8, True), level=d.level),
    "curve.fit": lambda f, d: f(drawn(d)).pull_N2,
    "rises.rises": lambda f, d: f(d.some(), d.some(), (d.data.draw(odd), d.some()), (d.some(), d.data.draw(odd))),
    "threshold.threshold": lambda f, d: f(drawn(d), level=d.level),
    "universal.between": lambda f, d: f(d.estimates(), level=d.level),
    "universal.decades": lambda f, d: f(d.estimate()),
    "universal.heterogeneity": lambda f, d: f(d.some(), d.some(True), d.some(True), level=d.level),
}
LISTED = {
    "curve.box": "takes nothing",
    "curve.grid": "is given the box of `fit`",
    "curve.least": "is given a misfit by `fit`",
}


def statistics():
    found = {}
    for entry in pkgutil.iter_modules(emergence.__path__):
        room = module(f"emergence.{entry.name}")
        for name, value in vars(room).items():
            if inspect.isfunction(value) and value.__module__ == room.__name__ and not name.startswith("_"):
                found[f"{entry.name}.{name}"] = value
    return found


@pytest.fixture(autouse=True)
def without_annotations():
    """As users run it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_every_public_statistic_is_tried_or_listed():
    assert set(statistics()) == set(CALLS) | set(LISTED)


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_statistic_tells_a_sound_number_or_one_sentence(name, data):
    draw = Draw(data)
    try:
        found = CALLS[name](statistics()[name], draw)
    except ValueError as refusal:
        last = traceback.extract_tb(refusal.__traceback__)[-1].filename
        assert sentence(str(refusal)) and ROOM in Path(last).parents, f"{last}: {refusal}"
    else:
        assert sound(found), found
