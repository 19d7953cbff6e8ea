"""Inflating its alphabet K-fold adds ln K to every entropy of a world of any family, and changes nothing else."""

import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.sources import Absent, Budget, Inflated
from tests.sources.worlds import family

FACTOR, LENGTH = 3, 4
LITTLE = Budget(contexts=2**10, tokens=2**10)


def check_raised(plain, raised):
    for before, after in zip(
        (*plain.curve, plain.epsilon, plain.rate, plain.oracle),
        (*raised.curve, raised.epsilon, raised.rate, raised.oracle),
        strict=True,
    ):
        if isinstance(before, Absent):
            assert after == before
            continue
        assert after.method == before.method
        for end in ("value", "low", "high"):
            assert getattr(after, end) - getattr(before, end) == pytest.approx(np.log(FACTOR), abs=1e-13)


@pytest.mark.parametrize("name", catalog.shelf("testbed.sources"))
def test_every_entropy_of_any_family_rises_by_the_logarithm_of_the_factor(name):
    base = family(name).EXAMPLES[0]
    plain, raised = (world.truth(LENGTH, budget=LITTLE) for world in (base, Inflated(base=base, factor=FACTOR)))
    check_raised(plain, raised)
    for entropy in ("curve", "epsilon", "rate", "oracle"):
        forgotten = getattr(plain, entropy)
        if not isinstance(forgotten, Absent):
            with pytest.raises(AssertionError):
                check_raised(plain, msgspec.structs.replace(raised, **{entropy: forgotten}))
