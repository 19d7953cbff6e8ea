"""Laws of pair laws, mixing and finite machines, against the enumerated law."""

import numpy as np
import pytest

from testbed.laws import second_order
from testbed.laws.machines import finite
from testbed.sources import Absent, Machine, Markov
from tests.sources.families.markov import CHAIN
from tests.sources.worlds import SHORT, every_world, joint_law

LAGS, FAR = range(SHORT), 1000


def string_law(machine, length):
    """P(x_1..x_length) by walking the edges: plain numpy."""
    weights = machine.initial_S
    for _ in range(length):
        following = np.zeros((*weights.shape[:-1], machine.symbols, weights.shape[-1]))
        for origin, symbol, target, probability in zip(*machine[3:], strict=True):
            following[..., symbol, target] += weights[..., origin] * probability
        weights = following
    return weights.sum(-1)


def check_machine(world, machine):
    np.testing.assert_allclose(string_law(machine, 4), joint_law(world, 4), atol=1e-12)
    after_S = finite.entering(machine, machine.stationary_S).sum(0)
    np.testing.assert_allclose(after_S, machine.stationary_S, atol=1e-10, err_msg="not a long-run law")


@every_world
def test_machine_has_the_law_of_the_world(world):
    machine = world.machine()
    if isinstance(machine, Absent):
        assert machine.reason
        return
    check_machine(world, machine)


@every_world
def test_pair_laws_are_laws_with_one_marginal(world):
    for lag in LAGS:
        pairs_VV = world.pair_law(lag)
        if isinstance(pairs_VV, Absent):
            assert pairs_VV.reason
            return
        assert pairs_VV.shape == (world.alphabet, world.alphabet) and (pairs_VV >= 0).all()
        marginal_V = np.diag(world.pair_law(0))
        np.testing.assert_allclose(pairs_VV.sum(0), marginal_V, atol=1e-10)
        np.testing.assert_allclose(pairs_VV.sum(1), marginal_V, atol=1e-10)


def check_pairs(world, pair_law):
    joint = joint_law(world, SHORT)
    for lag in LAGS[1:]:
        others = tuple(axis for axis in range(SHORT) if axis not in (0, lag))
        np.testing.assert_allclose(pair_law(lag), joint.sum(axis=others), atol=1e-10)


@every_world
def test_pair_law_of_a_stationary_world_is_that_of_its_strings(world):
    if world.stationary and not isinstance(world.pair_law(0), Absent):
        check_pairs(world, world.pair_law)


def check_autocovariance(world, found_MM, features_VM, lag):
    """Against E[f(X_0) f(X_lag)'] - E[f] E[f]' summed over all strings."""
    strings = np.indices((world.alphabet,) * SHORT).reshape(SHORT, -1)
    weights = joint_law(world, SHORT).reshape(-1)
    first, later = features_VM[strings[0]], features_VM[strings[lag]]
    expected_MM = (weights * first.T) @ later - np.outer(weights @ first, weights @ later)
    np.testing.assert_allclose(found_MM, expected_MM, atol=1e-10)


@every_world
def test_autocovariance_of_features(world):
    features_VM = np.random.default_rng(0).standard_normal((world.alphabet, 2))
    for lag in (0, 2):
        found_MM = world.autocovariance(features_VM, lag)
        if isinstance(found_MM, Absent) or not world.stationary:
            return
        check_autocovariance(world, found_MM, features_VM, lag)


def check_pair_errors(world, pair_law):
    """What is declared covers the difference from strings at small lags, from the machine in extended precision later.

    Those are exact to 1e-12 in all.
    """
    if isinstance(world.pair_law(0), Absent):
        return
    machine = world.machine()
    for lag in (0, 1, 2, SHORT - 1, 37):
        found, error = pair_law(lag), world.pair_error(lag)
        assert 0 < error < 1e-8 and world.pair_method in ("closed form", "enumeration")
        if world.stationary and 0 < lag < SHORT:
            others = tuple(axis for axis in range(SHORT) if axis not in (0, lag))
            assert np.abs(found - joint_law(world, SHORT).sum(axis=others)).sum() <= error + 1e-12
        if isinstance(machine, Machine) and lag:
            assert np.abs(found - extended_pair_law(machine, lag)).sum() <= error + 1e-12


def extended_pair_law(machine, lag):
    states = len(machine.initial_S)
    joint_VSS = np.zeros((machine.symbols, states, states), np.longdouble)
    np.add.at(joint_VSS, (machine.symbol_E, machine.origin_E, machine.target_E), machine.probability_E)
    after_VS = np.einsum("s,vst->vt", machine.stationary_S.astype(np.longdouble), joint_VSS)
    for _ in range(lag - 1):
        after_VS = after_VS @ joint_VSS.sum(0)
    return (after_VS @ joint_VSS.sum(2).T).astype(float)


@every_world
def test_pair_laws_are_off_by_no_more_than_they_say(world):
    check_pair_errors(world, world.pair_law)


def test_law_rejects_a_pair_law_that_is_off_by_more_than_it_says():
    off = 1e-11 * np.array([[1, -1], [-1, 1]])
    with pytest.raises(AssertionError):
        check_pair_errors(CHAIN, lambda lag: CHAIN.pair_law(lag) + off)


@every_world
def test_features_and_tokens_have_covariances_with_errors(world):
    features_VM = np.random.default_rng(1).standard_normal((world.alphabet, 2))
    found, tokens = second_order.covariances(world, features_VM, [0, 2]), second_order.autocovariance(world, [1, 2])
    if isinstance(found, Absent):
        assert found == tokens
        return
    for each in found:
        np.testing.assert_allclose(each.matrix, world.autocovariance(features_VM, each.lag), atol=1e-15)
        assert each.method == world.pair_method and world.pair_error(each.lag) < each.error < 1e-6
    assert tokens.method == world.pair_method and (tokens.error_K > 0).all() and (tokens.error_K < 1e-6).all()


def test_covariances_are_off_by_no_more_than_they_say():
    """Two states, ±1, λ = 1/2: Cov_k = 0.96·λ^k."""
    for scale in (1.0, 1e6):
        for each in second_order.covariances(CHAIN, scale * np.array([[1.0], [-1.0]]), [1, 2, 30]):
            assert abs(each.matrix.item() - scale**2 * 0.96 * 0.5**each.lag) < each.error < 1e-10 * scale**2


@pytest.mark.parametrize(
    ("word", "rule", "remedy"),
    [
        ("[[1], [-1]", "cannot be read", "JSON is expected"),
        ("[[1]]", r"\(1, 1\)", "each of the 2 symbols"),
        ("[1, -1]", r"\(2,\)", "each of the 2 symbols"),
        ('[["a"], ["b"]]', r"\(2, 1\)", "a row of numbers"),
        ("[[1], [NaN]]", "no finite number", "JSON is expected"),
        ("[[], []]", "or none", "finite numbers"),
    ],
)
def test_features_that_are_no_table_are_refused(word, rule, remedy):
    with pytest.raises(ValueError, match=f"{rule}.*{remedy}.*e.g."):
        second_order.read_features(word, 2)


@every_world
def test_negative_lags_are_refused(world):
    with pytest.raises(ValueError, match=r"lag=-1.*0 or more"):
        world.pair_law(-1)


def test_lags_beyond_reach_are_refused():
    with pytest.raises(ValueError, match=r"lag=10+: .*up to the lag 1048576"):
        Markov(vocabulary=2).pair_law(10**12)
