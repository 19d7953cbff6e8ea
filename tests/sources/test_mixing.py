"""Law: mixing is the decay of pair laws."""

import numpy as np
import pytest

from testbed.sources import Absent, Iid, Machine, Markov, Mixing
from tests.sources.families.markov import CHAIN
from tests.sources.test_dependence import FAR, check_autocovariance, check_machine, check_pairs
from tests.sources.worlds import decay_of, every_world


def covariances(world, lags):
    marginal_V = np.diag(world.pair_law(0))
    return [np.abs(world.pair_law(lag) - np.outer(marginal_V, marginal_V)).max() for lag in lags]


def check_mixing(world, mixing):
    """The stated decay against pair laws at long lags."""
    if mixing.decay == "independent":
        assert max(covariances(world, range(1, 9))) < 1e-12 and mixing.value == 0
    if mixing.decay == "finite":
        last = int(mixing.value)
        assert covariances(world, [last])[0] > 1e-12 and max(covariances(world, range(last + 1, last + 9))) < 1e-12
    if mixing.decay == "geometric":
        assert 0 < abs(mixing.value) < 1
        rate = np.log(abs(mixing.value))
        lag = max(8, int(np.log(1e-7) / rate))
        # the largest of six lags, with the decay taken out, so that the phase of an oscillation does not matter
        windows = [range(start, start + 6) for start in (lag // 2, lag)]
        size = [max(covariances(world, lags) * np.exp(-rate * np.array(lags))) for lags in windows]
        slope = rate + np.log(size[1] / size[0]) / (lag - lag // 2)
        np.testing.assert_allclose(slope, rate, rtol=0.15)
    if mixing.decay == "power law":
        size = np.array([max(covariances(world, [lag])) for lag in (64, 512)])
        np.testing.assert_allclose(-np.diff(np.log(size))[0] / np.log(8), mixing.value, atol=0.15)
    if mixing.decay in ("periodic", "never"):
        period = int(mixing.value)
        assert period > 1 if mixing.decay == "periodic" else period == 1
        shared = [each for each in range(1, period + 1) if period % each == 0]
        assert [each for each in shared if comes_back(world, each)] == [period]
        assert max(covariances(world, range(FAR, FAR + period))) > 1e-6


def comes_back(world, period):
    """Whether tokens far apart depend on each other as those do that are so much further apart, to 2 % of all that."""
    lags = range(FAR, FAR + 2 * period)
    change = max(np.abs(world.pair_law(lag + period) - world.pair_law(lag)).max() for lag in lags)
    return change < 0.02 * max(covariances(world, lags))


@every_world
def test_mixing_is_the_decay_of_pair_laws(world):
    mixing = world.mixing()
    if isinstance(mixing, Absent) or isinstance(world.pair_law(0), Absent):
        return
    check_mixing(world, mixing)


def test_second_eigenvalue_of_two_states():
    assert decay_of(CHAIN.mixing()) == ("geometric", pytest.approx(0.5, abs=1e-12))
    assert decay_of(Iid(vocabulary=3).mixing()) == ("independent", 0.0)
    flip = Markov(vocabulary=2, rows=((0.0, 1.0), (1.0, 0.0)))
    assert decay_of(flip.mixing()) == ("periodic", 2.0)


@every_world
def test_law_rejects_another_period(world):
    """Twice or half the period, one more, or none: "never" has the period 1."""
    mixing = world.mixing()
    if isinstance(mixing, Absent) or isinstance(world.pair_law(0), Absent):
        return
    if mixing.decay not in ("periodic", "never"):
        return
    others = {int(2 * mixing.value), int(mixing.value) + 1, int(mixing.value) // 2, 1} - {0, int(mixing.value)}
    for period in others:
        with pytest.raises(AssertionError):
            check_mixing(world, Mixing(decay="periodic" if period > 1 else "never", value=float(period)))


def test_laws_reject_wrong_second_order_quantities():
    world = CHAIN
    with pytest.raises(AssertionError):
        check_pairs(world, lambda lag: world.pair_law(lag + 1))
    with pytest.raises(AssertionError):
        check_autocovariance(world, world.autocovariance(np.eye(2), 1), np.eye(2), 2)
    with pytest.raises(AssertionError):
        check_mixing(world, Mixing(decay="geometric", value=0.6))
    with pytest.raises(AssertionError):
        check_mixing(world, Mixing(decay="finite", value=3.0))
    machine: Machine = world.machine()
    with pytest.raises(AssertionError):
        check_machine(world, machine._replace(probability_E=machine.probability_E[::-1]))
