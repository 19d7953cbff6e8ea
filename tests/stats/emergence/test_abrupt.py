"""Law: a smooth capability is called abrupt at no more than the level on its smooth score; a jump is called so."""

import numpy as np
import pytest

from testbed.stats.emergence.abrupt import abrupt, all_right, argmax_right
from testbed.stats.emergence.rises import rises
from testbed.stats.emergence.threshold import threshold
from testbed.stats.identified import told
from tests.stats.emergence.planted import columns, decades, world
from tests.stats.laws import repeated

DECLARED = 1.0
"""Decades over which a rise counts as abrupt."""
SMOOTH = DECLARED / decades(1.0)


def called(plan, simulations, declared=DECLARED):
    """Shares of worlds called abrupt by the test at 5 %, and by the upper end of the 90 % width."""
    rng = np.random.default_rng(0)

    def verdicts():
        found = world(rng, **plan)
        wide = told(threshold)(found, level=0.9)
        said = not isinstance(wide, str) and wide.width_decades.high < declared
        return abrupt(found, declared, resamples=99).p_value <= 0.05, said

    return np.mean(repeated(verdicts, simulations), axis=0)


@pytest.mark.parametrize("plan", [{"cells": 24, "x_error": 0.0}, {"cells": 12}, {"cells": 48, "seeds": 8}])
def test_a_smooth_capability_is_seldom_called_abrupt(plan):
    """At the edge: the declared width itself."""
    by_test, by_width = called({"width": SMOOTH, "scatter": 0.1, **plan}, 400 if plan["cells"] < 24 else 100)
    assert by_test <= 0.05 and by_width <= 0.06


@pytest.mark.parametrize(
    ("plan", "by_test", "by_width"),
    [
        ({"cells": 12, "scatter": 0.0, "x_error": 0.0}, 0.85, 0.1),
        ({"cells": 24, "scatter": 0.1}, 0.95, 0.55),
        ({"cells": 48, "scatter": 0.1, "seeds": 8}, 0.95, 0.6),
    ],
)
def test_a_jump_is_called_abrupt(plan, by_test, by_width):
    found = called({"width": 0.01, **plan}, 60)
    assert found[0] >= by_test and found[1] >= by_width


def test_a_jump_by_part_of_the_rise_is_placed_and_sized():
    x_N = np.linspace(-3, 3, 24)
    noise_N = 0.01 * np.random.default_rng(0).standard_normal(24)
    found = abrupt(rises(x_N, 0.2 + 0.5 * (x_N > 0.5) + noise_N, (0.0, 1.0)), DECLARED)
    assert found.p_value < 0.02 and found.place == pytest.approx(0.5, abs=0.15)
    assert found.jump == pytest.approx(0.5, abs=0.02)


def test_a_sharp_score_of_a_smooth_capability_is_caught():
    """The liar: the argmax of a probability that rises over more than a decade, in contexts that are alike."""
    rng = np.random.default_rng(1)
    smooth, sharp = [], []
    for _ in range(20):
        x_N, score_N, *_ = columns(rng, width=SMOOTH, scatter=0.05, x_error=0.0)
        rise_N = np.clip((score_N - 0.1) / 0.6, 0, 1)
        smooth.append(abrupt(rises(x_N, rise_N, (0.0, 1.0)), DECLARED, resamples=99).p_value <= 0.05)
        sharp.append(abrupt(rises(x_N, argmax_right(rise_N, 0.05), (0.0, 1.0)), DECLARED, resamples=99).p_value <= 0.05)
    assert np.mean(smooth) <= 0.1 and np.mean(sharp) >= 0.9


def test_an_answer_of_many_tokens_moves_the_threshold_and_narrows_little():
    x_N = np.linspace(-10, 40, 200_001)
    for tokens in (2, 8, 64):
        sharp_N = all_right(1 / (1 + np.exp(-x_N)), tokens)
        low, half, high = np.interp([0.1, 0.5, 0.9], sharp_N, x_N)
        assert 0.69 < (high - low) / (2 * np.log(9)) < 1
        assert half == pytest.approx(np.log(tokens / np.log(2)), abs=0.3)
