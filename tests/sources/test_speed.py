"""The benchmark of exact prediction fails where prediction is no cheaper than a forward pass."""

import pytest

from benchmarks.worlds import Duel, check


def test_a_slow_prediction_fails_the_benchmark():
    fast, slow = Duel("fast", 1.0, 2.0), Duel("slow", 3.0, 2.0)
    check([fast])
    with pytest.raises(SystemExit, match=r"slow: the exact prediction costs 1\.50 of a forward pass"):
        check([fast, slow])
