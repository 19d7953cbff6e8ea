"""Signal over noise on input that carries no information: a sound number, or one sentence, as of every statistic."""

import importlib
import inspect
import pkgutil
import traceback
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import testbed.stats.signal
from testbed.stats.signal.plane import Cells
from testbed.stats.signal.reading import Terms
from tests.stats.numbers_at_random import Draw, odd, table
from tests.stats.test_degenerate import ROOM, sentence, sound

PLACE = Path(testbed.stats.signal.__file__).parent


def mostly(draw, usual, *others):
    return draw.data.draw(st.sampled_from([usual] * 3 * len(others) + list(others)))


def grams(draw):
    """Inner products of odd vectors, of a few trainings on a few sequences, or a table that none can be."""
    sequences, trainings = mostly(draw, 5, 0, 1, 2), mostly(draw, 6, 0, 1, 3)
    f = table(draw.data, sequences, trainings, 2)
    if f.dtype == object or mostly(draw, False, True):
        return table(draw.data, sequences, trainings, trainings)
    with np.errstate(all="ignore"):
        return f @ f.swapaxes(1, 2)


def factors(draw):
    crossed = [[0, 0, 0, 1, 1, 1], [0, 1, 2] * 2]
    return mostly(draw, [range(6)], [], [range(3)], [[0, 0, 1, 1, 2, 2]], crossed, [[0] * 6])


def groups(draw):
    """Sums of odd vectors in groups, or tables that do not belong together."""
    sequences, names = mostly(draw, 6, 0, 1, 3), mostly(draw, 2, 0, 1, 3)
    h = table(draw.data, sequences, names, 2, 2)
    count = np.full((sequences, names), 2.0)
    if h.dtype == object or mostly(draw, False, True):
        shape = sequences, names
        return table(draw.data, *shape), table(draw.data, *shape, 2), table(draw.data, *shape)
    with np.errstate(all="ignore"):
        return count, h.sum(2), (h.astype(float) ** 2).sum((2, 3))


def plane_cells(draw):
    one = np.ones(draw.size)
    others = (draw.lengths(), draw.some(True)) if mostly(draw, False, True) else (one, one)
    return Cells(draw.some(), draw.some(True), mostly(draw, 9 * one, draw.units()), draw.lengths(), *others)


def terms(draw):
    return Terms(*(mostly(draw, 1.5, draw.data.draw(odd)) for _ in range(6)))


CALLS = {
    "aligned.rotations": lambda f, d: f(table(d.data, d.size, 3, 2)),
    "aligned.aligned": lambda f, d: f(table(d.data, d.size, 3, 2), table(d.data, d.size, 2, 2)),
    "groups.across_contexts": lambda f, d: f(*groups(d), weight_G=mostly(d, None, d.some(True)), level=d.level),
    "groups.spread": lambda f, d: f(table(d.data, d.size, d.size), table(d.data, d.size, d.size)),
    "local.local_slopes": lambda f, d: f(plane_cells(d), mostly(d, 1.0, d.data.draw(odd)), level=d.level),
    "moderated.moderated": lambda f, d: f(d.some(True), d.units()),
    "plane.plane": lambda f, d: f(plane_cells(d), level=d.level),
    "plane.checked": lambda f, d: f(plane_cells(d)),
    "reading.reading": lambda f, d: f(
        terms(d),
        d.some(True),
        mostly(d, np.full(d.size, 9.0), d.units()),
        units=mostly(d, 9, d.units_of_one()),
        level=d.level,
        method="test",
    ),
    "reading.tukey": lambda f, d: f(d.some()),
    "reading.logs": lambda f, d: f(d.some(True), d.some(True)),
    "split.split": lambda f, d: f(grams(d), mostly(d, 3, 0, 1, 2), 2, level=d.level),
    "trainings.across_trainings": lambda f, d: f(grams(d), factors(d), level=d.level),
    "trainings.checked": lambda f, d: f(grams(d)),
    "trainings.products": lambda f, d: f(table(d.data, d.size, 3, 2)),
}
"""For every public statistic, a call with arguments that are drawn."""


def statistics():
    found = {}
    for entry in pkgutil.iter_modules([str(PLACE)]):
        room = importlib.import_module(f"testbed.stats.signal.{entry.name}")
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


def test_every_public_statistic_is_tried():
    assert set(statistics()) == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=80, deadline=5000, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
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
