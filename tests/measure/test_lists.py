"""Plain lists are as good as arrays to what averages replicates, and what is no array of numbers gets a sentence."""

import jaxtyping
import numpy as np
import pytest

from testbed.measure.geometric import contexts, decompose
from testbed.measure.limit import limit
from testbed.stats.jackknife import corrected, extrapolated, jackknife

STAR = np.log(np.array([[0.5, 0.5], [0.25, 0.75]]))
P = np.log(np.array([[[0.4, 0.6], [0.3, 0.7]], [[0.6, 0.4], [0.2, 0.8]], [[0.5, 0.5], [0.5, 0.5]]]))
ONE, TWO = [1.1, 0.9, 1.05], [[1.0, 1.2, 0.8], [1.2, 1.0, 0.9], [0.8, 0.9, 1.0]]


@pytest.fixture(autouse=True)
def without_annotations():
    """As users run it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


TAKEN = {
    "limit": lambda as_given: limit([(as_given(STAR), as_given(P))], level=0.95),
    "decompose": lambda as_given: decompose([[as_given(STAR), as_given(P)]]),
    "contexts": lambda as_given: contexts(as_given(STAR), as_given(P)).center_L.tolist(),
    "jackknife": lambda as_given: jackknife(1.0, as_given(np.array(ONE)), level=0.95),
    "corrected": lambda as_given: corrected(1.0, as_given(np.array(ONE))),
    "extrapolated": lambda as_given: extrapolated(1.0, as_given(np.array(ONE)), as_given(np.array(TWO)), level=0.95),
}


@pytest.mark.parametrize("name", TAKEN)
def test_lists_give_what_arrays_give(name):
    assert TAKEN[name](lambda array: array.tolist()) == TAKEN[name](lambda array: array)


WHAT = "log p of replicates"
REFUSED = {
    "no pair": (lambda call: call([STAR]), "is no pair"),
    "three of them": (lambda call: call([(STAR, P, P)]), "is no pair"),
    "one number": (lambda call: call([(1.0, P)]), "log p\\* has 0 axes; it must have 2, so reshape it"),
    "no replicate axis": (lambda call: call([(STAR, STAR)]), f"{WHAT} has 2 axes; it must have 3"),
    "ragged": (lambda call: call([(STAR, [[[0.0]], [[0.0, 0.0]]])]), f"{WHAT} is no array of numbers"),
    "words": (lambda call: call([(STAR, [[["a"]]])]), f"{WHAT} holds <U1 and no real numbers"),
    "other contexts": (lambda call: call([(STAR[:1], P)]), "give laws at the same contexts"),
    "no context": (lambda call: call([(STAR[:0], P[:, :0])]), "none of them 0"),
    "fewer replicates later": (lambda call: call([(STAR, np.repeat(P, 2, 0)), (STAR, P)]), "3 replicates after 6"),
    "NaN": (lambda call: call([(STAR, P * np.nan)]), "log total is nan"),
    "logits": (lambda call: call([(STAR, P + 1)]), "give log-probabilities"),
}


@pytest.mark.parametrize("call", [lambda pairs: limit(pairs, level=0.95), decompose], ids=["limit", "decompose"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_pair_of_laws_is_refused_in_a_sentence(name, call):
    asked, told = REFUSED[name]
    with pytest.raises(ValueError, match=told):
        asked(call)


JACKKNIVES = {
    "one number": (lambda: jackknife(1.0, 2.0, level=0.95), "has 0 axes"),
    "one number, corrected": (lambda: corrected(1.0, 2.0), "has 0 axes"),
    "a list of lists": (lambda: jackknife(1.0, TWO, level=0.95), "has 2 axes"),
    "one row of pairs": (lambda: extrapolated(1.0, ONE, ONE, level=0.95), "two left out has 1 axes"),
    "ragged pairs": (lambda: extrapolated(1.0, ONE, [[1.0], [1.0, 2.0], [1.0]], level=0.95), "is no array of numbers"),
    "pairs of others": (lambda: extrapolated(1.0, ONE, [[1.0]], level=0.95), "give as many"),
    "a word": (lambda: corrected("1", ONE), "no real numbers"),
    "no statistic": (lambda: corrected(None, ONE), "no real numbers"),
}


@pytest.mark.parametrize("name", JACKKNIVES)
def test_a_jackknife_refuses_what_it_cannot_read(name):
    asked, told = JACKKNIVES[name]
    with pytest.raises(ValueError, match=told):
        asked()
