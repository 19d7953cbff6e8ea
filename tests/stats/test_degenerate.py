"""Every public statistic, on input that carries no information: a sound number, or one sentence, and nothing else.

What is tried: two points, equal abscissae, one curve and one point a curve, NaN, ±∞, zeros, constant values, magnitudes
from 5e-324 to 1e300, values below zero, columns of unequal length, integers that overflow, objects, and nothing at all.
The statistics are found by walking the package: a new one is tried here, or the first test fails.
"""

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
from testbed.stats.estimate import Estimate
from testbed.stats.moments import moments
from tests.stats.numbers_at_random import Draw, module, odd, table

ROOM = Path(testbed.stats.__file__).parent
UNTESTED = {"lack_of_fit"}
"""The one number that may be NaN, where nothing is left to test; its docstring says so."""


def parabola(draw):
    centre, bend = draw.data.draw(odd), draw.data.draw(odd)

    def misfit(x):
        with np.errstate(all="ignore"):
            return np.asarray(bend * (x - centre) ** 2)

    return misfit


CALLS = {
    "combine.jointly": lambda f, d: f(d.some(), d.estimates(), level=d.level, method="test"),
    "combine.logarithm": lambda f, d: f(d.estimate()),
    "combine.each_level": lambda f, d: f(d.level, d.data.draw(st.integers(-1, 3))),
    "combine.largest": lambda f, d: f(d.estimates(), level=d.level),
    "combine.smallest": lambda f, d: f(d.estimates(), level=d.level),
    "combine.magnitude": lambda f, d: f(d.estimate()),
    "crossed.crossed": lambda f, d: f(table(d.data, d.size, 3), level=d.level),
    "crossed.nested": lambda f, d: f(table(d.data, d.size, 2), level=d.level),
    "decay.variance_error": lambda f, d: f(d.vectors()),
    "decay.decay_slope": lambda f, d: f(
        d.lengths(), d.some(True), d.some(True), d.units(), level=d.level, curves=d.curves()
    ),
    "decay.measured": lambda f, d: f(d.lengths(), d.some(), d.some(), fewest=2),
    "diagnostics.regression": lambda f, d: f(d.some(), d.some(), table(d.data, d.size, 1), level=d.level),
    "diagnostics.partial": lambda f, d: f(d.some(), d.some(), table(d.data, d.size, 0), level=d.level),
    "diagnostics.by_group": lambda f, d: f(d.some(), d.some(), table(d.data, d.size, 0), d.curves(), level=d.level),
    "diagnostics.permuted": lambda f, d: f(
        d.some(), d.some(), table(d.data, d.size, 0), d.curves(), most=d.data.draw(st.integers(0, 9)), seed=0
    ),
    "distance.distance": lambda f, d: f(d.sample(), level=d.level),
    "distance.ordered": lambda f, d: f(d.sample()),
    "distance.widest": lambda f, d: f(d.sample()),
    "distance.true_distance": lambda f, d: f(d.data.draw(odd), d.data.draw(odd), d.units_of_one(), level=d.level),
    "distance.null_mean": lambda f, d: f(d.units_of_one()),
    "distance.null_quantile": lambda f, d: f(d.data.draw(odd | st.just(0.95)), d.units_of_one()),
    "distance.null_tail": lambda f, d: f(d.data.draw(odd), d.units_of_one()),
    "distance.spread_out": lambda f, d: f(d.sample()),
    "estimate.check_level": lambda f, d: f(d.data.draw(odd)),
    "estimate.critical": lambda f, d: f(d.level, d.data.draw(odd)),
    "identified.numbers": lambda f, d: f(d.some(), "x"),
    "identified.positive": lambda f, d: f(d.some(), "x"),
    "identified.abscissae": lambda f, d: f(d.some(), "x"),
    "identified.counted": lambda f, d: f(d.some(), "x", least=2),
    "identified.alike": lambda f, d: f(x=d.size, y=2),
    "identified.unitless": lambda f, d: f(d.some(), "x"),
    "identified.check_slope": lambda f, d: f(module("identified").abscissae(d.lengths(), "x"), d.curves()),
    "identified.check_curve": lambda f, d: f(module("identified").abscissae(d.lengths(), "x")),
    "jackknife.jackknife": lambda f, d: f(d.data.draw(odd), d.some(), level=d.level),
    "jackknife.corrected": lambda f, d: f(d.data.draw(odd), d.some()),
    "jackknife.extrapolated": lambda f, d: f(d.data.draw(odd), d.some(), table(d.data, d.size, d.size), level=d.level),
    "ladder.ladder": lambda f, d: f(
        d.seen(d.data.draw(st.sampled_from([3, 3, 3, 2]))), ratio=4.0, exponents=(0.25, 2.0), level=d.level
    ),
    "mean.fieller": lambda f, d: f(d.some()[:2], table(d.data, 2, 3), d.seen(3), level=d.level, bounds=(0.0, 9.0)),
    "mean.mean": lambda f, d: f(d.some(), level=d.level),
    "mean.difference": lambda f, d: f(d.some(), d.some(), level=d.level),
    "mean_squares.component": lambda f, d: f(
        module("mean_squares").Squares(d.some(True), d.units(), 4), d.some(), level=d.level
    ),
    "mean_squares.at_least_zero": lambda f, d: f(d.estimate()),
    "moments.moments": lambda f, d: f(d.blocks()),
    "moments.known": lambda f, d: f(d.some(), d.some(), d.units()),
    "moments.joined": lambda f, d: f(d.seen(), d.seen()),
    "moments.smoothed": lambda f, d: f(d.seen()),
    "moments.spread": lambda f, d: f(d.seen(), module("identified").numbers(d.some(), "weights")),
    "moments.spreads": lambda f, d: f(d.seen(), module("identified").numbers(d.some(), "weights")[None]),
    "moments.contrast": lambda f, d: f(moments(d.blocks()), d.some(), level=d.level),
    "normality.lilliefors": lambda f, d: f(d.sample()),
    "normality.anderson_darling": lambda f, d: f(d.sample()),
    "normality.skewness": lambda f, d: f(d.sample()),
    "normality.kurtosis": lambda f, d: f(d.sample()),
    "normality.henze_zirkler": lambda f, d: f(d.vectors()),
    "normality.false_discoveries": lambda f, d: f(d.some(), 0.05, dependent=d.data.draw(st.booleans())),
    "permutation.check_names": lambda f, d: f(d.curves()),
    "permutation.orders": lambda f, d: f(d.curves(), most=d.data.draw(st.integers(0, 9)), seed=0),
    "plateau.plateau": lambda f, d: f(
        d.lengths(), d.some(True), d.some(True), d.units(), exponents=(0.1, 3.0), level=d.level
    ),
    "power_law.power_law": lambda f, d: f(d.lengths(), seen := d.seen(), d.curves(), working=seen, level=d.level),
    "power_law.full_rank": lambda f, d: f(d.seen().covariance()),
    "profile.profile": lambda f, d: f(parabola(d), d.some(), allowed=d.data.draw(odd)),
    "quantiles.interquartile_range": lambda f, d: f(d.sample()),
    "rate.distance_rate": lambda f, d: f(d.lengths(), d.distances(), level=d.level),
    "combine.slope_weights": lambda f, d: f(d.lengths(), d.curves()),
    "streaming.sums": lambda f, d: d.of_stream(),
    "streaming.total": lambda f, d: f([d.stream() for _ in range(d.size)]),
    "streaming.variance": lambda f, d: f(d.stream()),
    "streaming.variance_within": lambda f, d: f([d.stream() for _ in range(d.size)]),
    "two_sample.two_sample": lambda f, d: f(
        table(d.data, 2, d.size, 2), table(d.data, 2, 3, 2), directions=2, relabellings=3, seed=0
    ),
}
"""For every public statistic, a call with arguments that are drawn."""
LISTED = {
    "identified.told": "makes sentences of what others refuse",
    "identified.scaled": "keeps NaN and ∞ for those who refuse them",
    "identified.short": "makes text",
    "profile.least": "is given a misfit on a grid that was looked at, by `profile` and the fits",
}


def statistics():
    found = {}
    for entry in pkgutil.iter_modules([str(ROOM)]):
        room = module(entry.name)
        for name, value in vars(room).items():
            if inspect.isfunction(value) and value.__module__ == room.__name__ and not name.startswith("_"):
                found[f"{entry.name}.{name}"] = value
    return found


def sound(found, name=""):
    """Whether nothing in what a statistic told is no number, or an interval that misses its value."""
    if isinstance(found, str):
        return bool(name) or sentence(found)
    if isinstance(found, Estimate):
        return np.isfinite(found.value) and found.low <= found.value <= found.high and found.n >= 1
    if isinstance(found, tuple):
        return all(map(sound, found, getattr(found, "_fields", [name] * len(found))))
    if isinstance(found, np.ndarray) and found.dtype.kind == "f":
        return not np.isnan(found).any()
    return not isinstance(found, float) or not np.isnan(found) or name in UNTESTED


def sentence(text):
    return 10 < len(text) < 300 and "\n" not in text and "array(" not in text


@pytest.fixture(autouse=True)
def without_annotations():
    """As users run it: what annotations refuse in tests is refused by nothing else."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_every_public_statistic_is_tried_or_listed():
    assert set(statistics()) == set(CALLS) | set(LISTED)


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=40, deadline=5000, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
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


def test_a_liar_is_found():
    """A slope of a line through equal abscissae, as least squares tell it."""
    with np.errstate(all="ignore"):
        assert not sound(float(np.float64(0.0) / np.float64(0.0)))
    assert not sound((1.0, np.array([np.nan])))
    assert not sentence("operands could not be broadcast\ntogether")
