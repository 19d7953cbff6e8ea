"""Tables that carry no information, or odd numbers: a sound law, or one sentence, and nothing else.

Tried are rows on rays, single sizes, equal losses, magnitudes from 1e-30 to 1e30, columns that rise where they should
fall, of any number, for every form, objective and kind of interval. Warnings are errors here.
"""

import traceback
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import testbed
from testbed.report.scaling import record, residuals, shown
from testbed.report.scaling.figure import figure
from testbed.stats.estimate import Estimate
from testbed.stats.scaling.findings import findings
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.law import INTERVALS, scaling_law
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.reading import Read
from testbed.stats.scaling.table import losses

ROOM = Path(testbed.__file__).parent


@st.composite
def tables(draw):
    """Columns of one length, sound and odd."""
    rng, count = np.random.default_rng(draw(st.integers(0, 999))), draw(st.integers(1, 24))
    unit = draw(st.sampled_from([1.0, 1.0, 1e6, 1e-6, 1e-28, 1e25]))
    params = unit * draw(
        st.sampled_from([4.0 ** rng.integers(0, 5, count), np.ones(count), rng.uniform(1, 1e4, count)])
    )
    tokens = draw(st.sampled_from([2.0 ** rng.integers(0, 9, count), 20 * params, np.full(count, 7.0), 1 / params]))
    law = 1 + 2 * (params / unit) ** -0.4 + 3 * np.maximum(tokens / tokens.min(), 1.0) ** -0.3
    noise = draw(st.sampled_from([0.0, 1e-12, 0.01, 1.0, 20.0]))
    loss = draw(st.sampled_from([law, np.full(count, 2.5), 1 / law, law * 1e-25, law * 1e25, law - law.min() + 1e-12]))
    loss = np.clip(loss * np.exp(noise * rng.standard_normal(count)), 1e-30, 1e30)
    return losses(params, np.clip(tokens, 1e-30, 1e30), loss)


def sound(found):
    """Whether every estimate inside is one, and every number finite, apart from ends that are open."""
    if isinstance(found, Estimate):
        return np.isfinite(found.value) and found.low <= found.value <= found.high
    if isinstance(found, dict):
        return all(map(sound, found.values()))
    if isinstance(found, list | tuple):
        return all(map(sound, found))
    return not isinstance(found, float) or np.isfinite(found)


@pytest.fixture(autouse=True)
def without_annotations():
    """As users run it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def told(table, form, objective, interval, within):
    """All that is told of a table, as JSON, tables and a file."""
    law = scaling_law(
        table, FORMS[form], OBJECTIVES[objective], interval=interval, level=0.95, within=within, resamples=100
    )
    found = findings(table, law, level=0.95, resamples=100)
    read = Read(table, tuple(range(len(table.loss_N))), {})
    shown.show(found, read)
    residuals.residuals(found, read)
    return law, record.record(found, read, {})


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(
    table=tables(),
    objective=st.sampled_from(list(OBJECTIVES)),
    interval=st.sampled_from(INTERVALS),
    pinned=st.sampled_from([{}, {}, {"E": (0.0, 0.0)}, {"E": (0.5, 0.5)}, {"E": (0.5, 1.0)}]),
)
def test_a_table_is_told_soundly_or_refused_in_one_sentence(form, table, objective, interval, pinned):
    within = pinned if "E" in FORMS[form].names else {}
    try:
        law, written = told(table, form, objective, interval, within)
    except ValueError as refusal:
        last = traceback.extract_tb(refusal.__traceback__)[-1].filename
        assert ROOM in Path(last).parents, f"{last}: {refusal}"
        assert 10 < len(str(refusal)) < 400 and "\n" not in str(refusal)
    else:
        assert sound(dict(law.parameters)) and sound(written)
        assert law.status in ("converged", "at a bound", "not converged")


def test_a_figure_is_drawn_where_little_is_told():
    x = np.geomspace(1e6, 1e9, 9)
    table = losses(x, 20 * x, 2.0 + x**-0.3)
    law = scaling_law(table, FORMS["power_params"], OBJECTIVES["log-squares"], interval="profile", level=0.95)
    assert "<svg" in figure(findings(table, law, level=0.95, resamples=100))


def test_a_liar_is_found():
    assert not sound({"E": float("nan")}) and not sound([{"value": float("inf")}])
