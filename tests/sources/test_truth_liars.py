"""The liars that the laws of truths reject."""

import msgspec
import numpy as np
import pytest

from testbed.sources import Absent, BlockStationary, Iid, Polya, Quantity
from tests.laws.enumeration import block_entropy
from tests.sources.families.block_stationary import TINY
from tests.sources.families.markov import CHAIN
from tests.sources.test_truth import ALL_BLOCKS, check_curve, check_oracle, check_order, check_rate
from tests.sources.worlds import (
    SHORT,
    every_world,
    exact_truth,
    joint_law,
    oracle_bounds,
    rate_bounds,
    tells_nothing,
)


def scaled(quantity, factor):
    return Quantity(**{**msgspec.structs.asdict(quantity), "value": quantity.value * factor})


@every_world
def test_law_rejects_an_entropy_off_by_one_percent(world):
    truth = exact_truth(world)
    with pytest.raises(AssertionError):
        check_curve(world, msgspec.structs.replace(truth, curve=tuple(scaled(each, 1.01) for each in truth.curve)))
    with pytest.raises(AssertionError):
        check_curve(world, msgspec.structs.replace(truth, epsilon=scaled(truth.epsilon, 0.99)))


def moved(quantity, by):
    ends = {name: getattr(quantity, name) + by for name in ("value", "low", "high")}
    return msgspec.structs.replace(quantity, **ends)


@every_world
def test_laws_reject_a_rate_and_an_oracle_off_by_one_percent(world):
    """Or by the width of the interval and of the bounds together, where that is more: 1.5 % at most."""
    truth = exact_truth(world)
    for check, found, bounds in (
        (check_rate, truth.rate, rate_bounds(world)),
        (check_oracle, truth.oracle, oracle_bounds(world)),
    ):
        if isinstance(found, Absent):
            continue
        width = found.high - found.low + bounds[1] - bounds[0]
        by = max(0.01 * found.value, width + 1e-9)
        assert by <= max(0.015 * found.value, 1e-8)
        wrong = [moved(found, by), moved(found, -by)]
        if found.value:
            wrong += [scaled(found, 1.01), scaled(found, 0.99)]
        for each in wrong:
            with pytest.raises(AssertionError):
                check(world, each)


@every_world
def test_law_rejects_the_rate_in_place_of_the_oracle(world):
    truth = exact_truth(world)
    if isinstance(truth.rate, Quantity) and isinstance(truth.oracle, Quantity) and truth.rate.low > truth.oracle.high:
        with pytest.raises(AssertionError):
            check_oracle(world, truth.rate)


@every_world
def test_law_rejects_the_oracle_in_place_of_bayes_unless_nothing_is_ever_told(world):
    truth = exact_truth(world)
    if isinstance(truth.oracle, Absent):
        return
    wrong = msgspec.structs.replace(truth, curve=(truth.oracle,) * SHORT, epsilon=truth.oracle)
    if tells_nothing(world):
        check_curve(world, wrong)
        return
    with pytest.raises(AssertionError):
        check_curve(world, wrong)


def test_laws_reject_the_oracle_in_place_of_bayes():
    world = BlockStationary(**TINY, phase="uniform")
    truth = exact_truth(world)
    with pytest.raises(AssertionError):
        check_curve(world, msgspec.structs.replace(truth, curve=(truth.oracle,) * SHORT))
    with pytest.raises(AssertionError):
        check_order(world, msgspec.structs.replace(truth, rate=truth.oracle, oracle=truth.rate))


@every_world
def test_law_rejects_a_curve_that_rises(world):
    """Though none of it lies below the rate."""
    truth = exact_truth(world)
    rising = msgspec.structs.replace(truth, curve=truth.curve[::-1])
    if not world.stationary or isinstance(truth.rate, Absent) or truth.curve[0].low <= truth.curve[-1].high:
        check_order(world, rising)
        return
    with pytest.raises(AssertionError, match="cannot rise"):
        check_order(world, rising)


def test_law_rejects_rows_weighted_uniformly():
    world, truth = CHAIN, CHAIN.truth(SHORT)
    unweighted = float(np.mean([block_entropy(row) for row in world.transitions()]))
    wrong = Quantity(value=unweighted, low=unweighted, high=unweighted, method="closed form", error=0.0)
    with pytest.raises(AssertionError):
        check_rate(world, wrong)
    with pytest.raises(AssertionError):
        check_curve(world, msgspec.structs.replace(truth, curve=(truth.curve[0],) + (wrong,) * (SHORT - 1)))


def test_a_chain_needs_one_token():
    truth = CHAIN.truth(8)
    assert all(quantity.value == truth.rate.value < truth.curve[0].value for quantity in truth.curve[1:])


@pytest.mark.parametrize("symbols", [10, 100])
def test_mean_entropy_of_dirichlet_rows(symbols):
    mean = Polya(vocabulary=symbols).truth(1).oracle.value
    entropies = [Iid(vocabulary=symbols, concentration=1.0, seed=seed).truth(1).epsilon.value for seed in range(1000)]
    assert abs(np.mean(entropies) - mean) < 4 * np.std(entropies) / np.sqrt(1000)


def test_joint_law_of_the_tests_sums_to_one():
    for world in ALL_BLOCKS:
        assert joint_law(world, SHORT).sum() == pytest.approx(1, abs=1e-12)
