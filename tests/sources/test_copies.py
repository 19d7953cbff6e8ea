"""Copied spans: what is repeated, and what gaps add."""

import msgspec
import numpy as np
import pytest

from testbed.sources import Budget, CopySpans
from testbed.sources.copy_spans import entropies
from tests.laws.enumeration import block_entropy
from tests.sources.test_tasks import drawn


def test_sources_name_the_token_that_is_repeated():
    world = CopySpans(vocabulary=50, span=3, gaps=(0, 4), phase="uniform")
    tokens_BL, latents = drawn(world, 2000, 40)
    tokens_BL, source_BL = np.asarray(tokens_BL), np.asarray(latents.source_L)
    row, column = np.nonzero(source_BL >= 0)
    np.testing.assert_array_equal(tokens_BL[row, column], tokens_BL[row, source_BL[row, column]])
    assert set(column - source_BL[row, column]) == {3, 7}
    share_B = (source_BL[:, 10:] >= 0).mean(1)
    assert abs(share_B.mean() - 6 / 16) < 4 * share_B.std() / np.sqrt(2000)


def test_single_gap_is_solved_by_looking_back():
    truth = CopySpans(vocabulary=5, span=2, gaps=(1,)).truth(8)
    np.testing.assert_allclose([each.value for each in truth.curve], np.log(5) * np.array([1, 1, 1, 0, 0, 1, 1, 1]))
    assert truth.rate.value == truth.oracle.value == pytest.approx(np.log(5) * 3 / 5, abs=1e-15)


TINY = CopySpans(vocabulary=3, span=2, gaps=(1, 0), phase="uniform")


def test_sampled_entropies_agree_with_those_of_the_machine():
    exact = TINY.truth(9, budget=Budget(contexts=2**18))
    budget = Budget(contexts=1, tokens=2**18, seed=3)
    rough = entropies._by_sampling(TINY, 9, budget, exact.oracle)
    for known, guess in zip((*exact.curve, exact.epsilon), (*rough.curve, rough.epsilon), strict=True):
        assert abs(known.value - guess.value) <= 4 * guess.error + known.error + 1e-10
    margin = rough.rate.error
    assert rough.rate.method == "Monte Carlo" and margin < 2e-3
    assert rough.rate.low - margin <= exact.rate.high and exact.rate.low <= rough.rate.high + margin


def test_what_gaps_add_to_the_rate():
    """Long spans of many symbols tell each gap without doubt: ln G nats per episode, and hardly less."""
    world = CopySpans(vocabulary=64, span=16, gaps=(4, 12, 20))
    truth = world.truth(48, budget=Budget(tokens=2**19))
    most = truth.oracle.value + np.log(3) / 44
    assert truth.rate.low > most - 4e-3 and truth.rate.high <= most + 1e-12
    assert all(each.error < 1e-12 for each in truth.curve[:20]) and truth.curve[20].method == "Monte Carlo"


def test_a_width_out_of_reach_is_refused():
    with pytest.raises(ValueError, match=r"width=1e-06.*Monte Carlo"):
        CopySpans(gaps=(4, 12)).truth(40, budget=Budget(tokens=2**12, width=1e-6))


def test_a_span_from_before_the_window_is_as_good_as_fresh():
    """With one gap and an unknown phase, the first lag of tokens are independent draws."""
    world = CopySpans(vocabulary=7, zipf=1.0, span=4, gaps=(3,), phase="uniform")
    truth = world.truth(7)
    fresh = block_entropy(world.fresh_law())
    assert all(each.value == pytest.approx(fresh, abs=1e-14) and each.error < 1e-12 for each in truth.curve)
    assert msgspec.structs.replace(world, phase="aligned").truth(7).curve[6].value == pytest.approx(fresh, abs=1e-14)
