"""What a ladder of horizons leaves to gain: exact on a power law, a bound wherever the law cannot be seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.stats.identified import NoInformation
from testbed.stats.ladder import BOUND_ONLY, Ladder, ladder
from testbed.stats.moments import Block, known, moments
from tests.stats.laws import covers

LEVEL = 0.9
ENDS = (0.25, 2.0)


def seen(rungs, error, *, exponents=ENDS, ratio=4.0) -> Ladder:
    found = known(np.array(rungs), np.full(3, error), np.full(3, 9.0))
    return ladder(found, ratio=ratio, exponents=exponents, level=LEVEL)


@given(st.floats(0.0, 2.0), st.floats(0.01, 2.0), st.floats(0.3, 1.9), st.floats(2.0, 8.0))
def test_a_power_law_is_carried_on_exactly(limit, size, gamma, ratio):
    gap = size * ratio ** (gamma * np.array([2, 1, 0]))
    found = seen(limit + gap, 1e-12 * size, ratio=ratio)
    assert found.gap.value == pytest.approx(size, rel=1e-6) and found.gap.low <= size <= found.gap.high
    gain = size * (1 - 8**-gamma)
    assert found.later(8.0).value == pytest.approx(gain, rel=1e-6)
    assert found.later(8.0).low <= gain <= found.later(8.0).high


@pytest.mark.parametrize(("gamma", "end"), [(0.25, "high"), (2.0, "low")])
def test_the_declared_exponents_are_the_ends(gamma, end):
    found = seen(1 + 4.0 ** (gamma * np.array([2, 1, 0])), 1e-12)
    assert getattr(found.gap, end) == pytest.approx(1, rel=1e-6)
    assert getattr(found.later(8.0), end) == pytest.approx(1 - 8**-gamma, rel=1e-6)


def test_a_ladder_that_no_longer_falls_bounds_what_is_left():
    found = seen([0.1, 0.1, 0.1], 1e-3)
    assert found.gap.low == 0 and found.gap.high == found.gap.value == pytest.approx(found.drop.high / (2**0.5 - 1))
    assert found.gap.method.startswith(BOUND_ONLY) and found.gap.high < 0.01
    assert seen([0.8, 0.9, 1.0], 1e-3).gap.high == 0, "one that rises has nothing left"


@pytest.mark.parametrize("rungs", [[1.0, 0.9, 0.8], [1.0, 0.95, 0.8], [0.177, 0.0925, 0.092]])
def test_rungs_that_suggest_no_declared_exponent_bound_and_say_so(rungs):
    """The last is a plateau's end, which "implies" an exponent of 3.7."""
    found = seen(rungs, 1e-6)
    assert found.exponent is None
    assert found.gap.method.startswith(BOUND_ONLY) and found.gap.value == found.gap.high
    assert 0 < found.gap.low < found.gap.high


def test_later_rises_to_the_gap():
    found = seen([4.0, 2.0, 1.5], 1e-3)
    gains = [found.later(ratio).value for ratio in (1.0, 2.0, 8.0, 1e9)]
    assert gains == sorted(gains) and gains[0] == 0 and gains[-1] < found.gap.value
    assert gains[-1] == pytest.approx(found.gap.value, rel=1e-3)


@pytest.mark.parametrize(
    ("rungs", "ratio", "exponents", "problem"),
    [
        ([1.0, 0.5], 4.0, ENDS, "2 rungs"),
        ([3.0, 2.0, 1.5], 1.0, ENDS, "ratio"),
        ([3.0, 2.0, 1.5], 4.0, (2.0, 1.0), "0"),
    ],
)
def test_what_is_no_ladder_is_refused(rungs, ratio, exponents, problem):
    found = known(np.array(rungs), np.full(len(rungs), 0.1), np.full(len(rungs), 3.0))
    with pytest.raises((NoInformation, ValueError), match=problem):
        ladder(found, ratio=ratio, exponents=exponents, level=LEVEL)


def world(rng, noise, gamma) -> Ladder:
    """A limit of 0.1 and a last gap of 0.03, with noise that the rungs share in half."""
    truth_Q = 0.1 + 0.03 * 4.0 ** (gamma * np.array([2.0, 1.0, 0.0]))
    jitter_RQ = rng.standard_normal((4, 1)) + rng.standard_normal((4, 3))
    values_RBQ = (truth_Q * (1 + noise * jitter_RQ))[:, None, :] * (1 + 0.2 * rng.standard_normal(64))[None, :, None]
    return ladder(moments([Block(values_RBQ, ((0, 1, 2, 3),))]), ratio=4.0, exponents=ENDS, level=LEVEL)


@pytest.mark.parametrize(("noise", "gamma"), [(0.005, 0.5), (0.02, 0.5), (0.05, 1.5), (0.2, 0.3), (0.02, 0.25)])
def test_gap_and_later_gain_are_covered(noise, gamma):
    assert covers(lambda rng: (world(rng, noise, gamma).gap, 0.03), level=LEVEL)
    assert covers(lambda rng: (world(rng, noise, gamma).later(8.0), 0.03 * (1 - 8**-gamma)), level=LEVEL)


def test_trusting_the_exponent_that_the_rungs_suggest_is_caught():
    """The liar: the interval of the drop alone, at the suggested exponent."""

    def liar(rng):
        found = world(rng, 0.02, 0.5)
        share = 1 / (4 ** (found.exponent or 2.0) - 1)
        ends = {name: getattr(found.drop, name) * share for name in ("value", "low", "high")}
        return type(found.drop)(**ends, level=LEVEL, n=4, method="liar"), 0.03

    assert not covers(liar, level=LEVEL)
    assert not covers(lambda rng: (world(rng, 0.005, 0.1).gap, 0.03), level=LEVEL), "slower than declared"
