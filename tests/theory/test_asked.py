"""What learners that count cannot be asked is refused with the value, the rule and a remedy."""

import jaxtyping
import numpy as np
import pytest

from testbed.sources import Markov
from testbed.theory.counting import (
    Training,
    bias,
    conditional_entropy,
    count_law,
    expected_log,
    law,
    leading,
    parts,
    redundancy,
    words,
)

CHAIN = Markov(vocabulary=2, order=2, concentration=2.0, seed=1)


@pytest.fixture(autouse=True)
def without_annotations():
    """As users run it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


ODD = (-1, True, 1.5, float("nan"), float("inf"), "2", None, 10**30, [1])
"""What is no whole number that a learner could have."""
TRAINED = Training(windows=2, length=4)
TAKEN = {
    "length": lambda odd: words(CHAIN, odd),
    "order of a law": lambda odd: law(CHAIN, odd),
    "order of an entropy": lambda odd: conditional_entropy(CHAIN, odd),
    "order of a bias": lambda odd: bias(CHAIN, odd, 3),
    "window of a bias": lambda odd: bias(CHAIN, 1, odd),
    "order of parts": lambda odd: parts(CHAIN, odd, 0.5, TRAINED, 3),
    "window of parts": lambda odd: parts(CHAIN, 1, 0.5, TRAINED, odd),
    "alphabet": lambda odd: leading(odd, 1, 300),
    "order of the leading term": lambda odd: leading(3, odd, 300),
    "tokens": lambda odd: leading(3, 1, odd),
    "tokens of a string": lambda odd: redundancy(np.array([0.5, 0.5]), odd),
    "order of counts": lambda odd: expected_log(CHAIN, odd, 0.5, TRAINED),
    "order of a count": lambda odd: count_law(CHAIN, odd, np.array([0]), TRAINED),
    "windows": lambda odd: Training(odd, 4),
    "tokens of a window": lambda odd: Training(2, odd),
}


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("name", TAKEN)
def test_what_is_no_whole_number_in_reach_is_refused(name, odd):
    if name == "tokens" and odd == 10**30:
        odd = -(10**30)
    with pytest.raises(ValueError, match=r"(a whole number|words: at most)") as refusal:
        TAKEN[name](odd)
    assert len(str(refusal.value)) < 300 and "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["window of a bias", "alphabet", "tokens", "tokens of a string", "windows"])
def test_none_at_all_is_refused(name):
    with pytest.raises(ValueError, match="=0: must be a whole number between 1 and"):
        TAKEN[name](0)


OTHERS = {
    "a law below zero": (lambda: redundancy(np.array([1.5, -0.5]), 3), "none below 0, with the sum 1; divide"),
    "a law of another sum": (lambda: redundancy(np.array([0.5, 0.6]), 3), "with the sum 1; divide"),
    "a law of NaN": (lambda: redundancy(np.array([0.5, np.nan]), 3), "with the sum 1; divide"),
    "no law": (lambda: redundancy([], 3), "one or more probabilities"),
    "a ragged law": (lambda: redundancy([[0.5], [0.5, 0.5]], 3), "give a flat list"),
    "a pseudo-count below zero": (lambda: expected_log(CHAIN, 0, -0.5, TRAINED), "pseudo_count=-0.5: must be 0, or"),
    "a pseudo-count of NaN": (lambda: parts(CHAIN, 0, np.nan, TRAINED, 2), "pseudo_count=nan: must be 0, or"),
    "a word that is none": (lambda: count_law(CHAIN, 0, np.array([2]), TRAINED), "whole, 0 to 1; e.g."),
    "a word below zero": (lambda: count_law(CHAIN, 0, [-1], TRAINED), "whole, 0 to 1; e.g."),
    "a word of NaN": (lambda: count_law(CHAIN, 0, [np.nan], TRAINED), "whole, 0 to 1; e.g."),
    "no word": (lambda: count_law(CHAIN, 0, [], TRAINED), "one or more codes of words"),
    "no world": (lambda: words("markov", 2), "world=markov: must be a world of testbed.sources"),
    "more tokens than fit": (lambda: Training(2**11, 2**11), "length=2048: must be a whole number between 1 and 512"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_arguments_are_refused_with_their_rule(name):
    call, told = OTHERS[name]
    with pytest.raises(ValueError, match=told):
        call()


def test_lists_are_taken_as_arrays():
    assert redundancy([0.25, 0.75], 4) == redundancy(np.array([0.25, 0.75]), 4)
    assert (count_law(CHAIN, 0, [1], TRAINED) == count_law(CHAIN, 0, np.array([1]), TRAINED)).all()
