"""Law: a portrait and a sketch show what the world is, each number in its place."""

import re

import numpy as np
import pytest

from testbed.laws import second_order
from testbed.report import sketch
from testbed.sources import Iid, Markov


@pytest.mark.parametrize("flip", [0.25, 0.5, 1.0])
def test_autocovariance_of_two_states(flip):
    """Of a symmetric chain C_k = λ^k·C_0, λ = 1 - 2·flip."""
    world = Markov(vocabulary=2, rows=((1 - flip, flip), (flip, 1 - flip)))
    found = second_order.autocovariance(world, range(1, 6))
    expected_K = (1 - 2 * flip) ** np.arange(1, 6)
    np.testing.assert_allclose(found.trace_K, expected_K, atol=1e-12)
    np.testing.assert_allclose(found.norm_K, np.abs(expected_K), atol=1e-12)


def test_autocovariance_of_too_many_symbols_is_not_offered():
    assert "5000 symbols" in second_order.autocovariance(Iid(vocabulary=5000), [1]).reason


def test_autocovariance_of_what_is_certain_is_zero():
    world = Iid(vocabulary=2, weights=(1.0, 0.0))
    assert not second_order.autocovariance(world, [1, 2]).norm_K.any()


@pytest.mark.parametrize("length", [1, 2, 5, 64, 96, 300])
def test_a_staircase_has_a_dot_for_each_position_and_no_other(length):
    row_L = np.random.default_rng(length).integers(0, 4 * sketch.HEIGHT, length)
    dots_YX = sketch._steps(row_L)
    columns = dots_YX.shape[1]
    for position, row in enumerate(row_L):
        begin, end = -(-position * columns // length), -(-(position + 1) * columns // length)
        shared = position * columns // length
        assert dots_YX[row, begin:end].all() and (end > begin or dots_YX[row, shared])
        middle = dots_YX[:, begin + 1 : end]
        assert middle.sum() == middle.shape[1], "between two steps there is one dot a column"


@pytest.mark.parametrize("length", [1, 2, 300])
def test_a_sketch_names_its_lines_and_fits(length):
    truth = Markov(vocabulary=3, order=2, concentration=0.3, smoothing=0.1, seed=2).truth(length)
    text = sketch.sketch(truth).plain
    lines = text.splitlines()
    assert len(lines) == sketch.HEIGHT + 1 and max(map(len, lines)) <= 80
    named = {name: y for y, line in enumerate(lines) for name in re.findall(r"h_\d+|rate|oracle", line)}
    assert named.keys() == {f"h_{length}", "rate", "oracle"} and named["rate"] == named["oracle"] == sketch.HEIGHT - 1
    assert length == 2 or named[f"h_{length}"] == (0 if length == 1 else sketch.HEIGHT - 1)
    cells = [[ord(letter) - 0x2800 for letter in line if 0x2800 <= ord(letter) < 0x2900] for line in lines[:-1]]
    assert np.array(cells).shape == (sketch.HEIGHT, sketch.WIDTH) and np.array(cells).any(0).all()
