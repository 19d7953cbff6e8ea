"""Block-stationary and one-regime worlds: long memory, growing blocks, dependence, and truths by counting."""

import itertools
import math

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.laws import renewal
from testbed.measure.contexts import reference
from testbed.model.transformer import Transformer
from testbed.sources import Absent, BlockStationary, Budget, Mixing
from testbed.sources.block_stationary import entropies
from tests.shared.small import EXPERIMENT
from tests.sources.families.block_stationary import EXAMPLES, TINY, length_law
from tests.sources.test_mixing import check_mixing, covariances
from tests.sources.test_predictive import check_prediction, contexts, predicted
from tests.sources.worlds import SHORT, compiled, decay_of, joint_law, label

LONG = {**TINY, "lengths": "power_law", "tail": 1.5, "phase": "uniform"}


@pytest.mark.parametrize(
    ("mean", "tail", "longest"),
    [(16, 1.5, 65536), (2, 1.05, 4), (3, 4.0, 8), (30, 1.2, 64), (16, 10.0, 65536), (16, 500.0, 4096)],
)
def test_power_law_lengths_meet_their_mean_and_their_formula(mean, tail, longest):
    lengths = renewal.power_law(mean, tail, longest)
    assert lengths.survival_J.sum() == pytest.approx(mean, rel=1e-12)
    exactly_J = lengths.survival_J * lengths.hazard_J
    assert exactly_J.sum() == pytest.approx(1, abs=1e-12) and lengths.hazard_J[-1] == 1
    source = BlockStationary(block_length=mean, lengths="power_law", tail=tail, longest=longest)
    exactly, _, _ = length_law(source)
    ages = range(min(longest, 200))
    np.testing.assert_allclose(exactly_J[:200], [exactly(age + 1) for age in ages], rtol=1e-6, atol=1e-12)


def test_the_steepest_power_law_is_geometric():
    steep, geometric = renewal.power_law(16, renewal.LARGEST_TAIL, 65536), renewal.geometric(16)
    np.testing.assert_allclose(renewal.hazard(steep, 200), renewal.hazard(geometric, 200), rtol=1e-4)
    assert (steep.survival_J[-1], steep.hazard_J[-1]) == (0, 1) and np.isfinite(steep.hazard_J).all()
    assert np.isfinite([renewal.ending(steep), *renewal.residual(steep)]).all()


def test_steep_power_laws_have_a_truth():
    world = BlockStationary(**{**LONG, "tail": 12.0}, boundaries="announced")
    truth = world.truth(3, budget=Budget(tokens=2**6))
    assert truth.oracle.low <= truth.rate.high and decay_of(world.mixing()) == ("power law", 11.0)


def test_a_power_law_has_its_tail():
    ages = np.array([512, 4096])
    survival = renewal.survival(renewal.power_law(16, 1.5, 2**18), 5000)[ages]
    assert -np.log(survival[1] / survival[0]) / np.log(8) == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize("lengths", [renewal.fixed(4), renewal.geometric(4), renewal.power_law(4, 1.3, 30)])
def test_a_block_met_at_a_random_moment_lasts_as_its_age_says(lengths):
    """The residual hazard against a sum over ages, and renewals against powers of the chain of ages."""
    count = 40
    survival, hazard = renewal.survival(lengths, 4 * count), renewal.hazard(lengths, 4 * count)
    lasts = [survival[1 + elapsed :].sum() for elapsed in range(6)]
    ends = [(survival * hazard)[1 + elapsed :].sum() for elapsed in range(6)]
    shown = min(6, len(lengths.hazard_J))
    expected = np.divide(ends, lasts, out=np.ones(6), where=np.array(lasts) > 1e-9)
    np.testing.assert_allclose(renewal.residual(lengths)[:shown], expected[:shown], atol=1e-4)
    age_T, begins = np.eye(1, count)[0], []
    for _ in range(12):
        begins.append(age_T[0])
        ended = age_T @ hazard[:count]
        age_T = np.append(ended, (age_T * (1 - hazard[:count]))[:-1])
    np.testing.assert_allclose(renewal.renewals(lengths, 12), begins, atol=1e-12)
    np.testing.assert_allclose(
        [renewal.tail(lengths, age) for age in (0, 3, 7)], [survival[a:].sum() for a in (0, 3, 7)], atol=1e-6
    )


@pytest.mark.parametrize("boundaries", ["hidden", "announced"])
@pytest.mark.parametrize("phase", ["aligned", "uniform"])
def test_prediction_of_blocks_of_any_length(phase, boundaries):
    world = BlockStationary(**{**LONG, "phase": phase, "boundaries": boundaries, "longest": 2000})
    check_prediction(world, predicted(world, contexts(world)))


@pytest.mark.parametrize("boundaries", ["hidden", "announced"])
def test_long_blocks_make_correlations_fall_as_a_power(boundaries):
    world = BlockStationary(**LONG, boundaries=boundaries)
    found = world.mixing()
    assert decay_of(found) == ("power law", 0.5)
    check_mixing(world, found)
    start = np.arange(20, 80, 5)
    slope = np.log10(np.divide(*(covariances(world, lags.tolist()) for lags in (start, 10 * start))))
    assert found.error / 5 < np.abs(slope - 0.5).min() < found.error < 0.125, "some decade is so close, and not closer"
    with pytest.raises(AssertionError):
        check_mixing(world, Mixing(decay="power law", value=0.8))


def test_a_power_law_without_room_for_it_is_told_as_what_it_is():
    world = BlockStationary(**LONG, longest=64)
    assert decay_of(world.mixing()) == ("finite", 63.0)
    check_mixing(world, world.mixing())


def sizes(jaxpr):
    """The sizes of all intermediate results."""
    for equation in jaxpr.eqns:
        yield from (math.prod(variable.aval.shape) for variable in equation.outvars)
        for inner in jax.tree.leaves(
            equation.params, is_leaf=lambda leaf: hasattr(leaf, "eqns") or hasattr(leaf, "jaxpr")
        ):
            if hasattr(inner, "jaxpr") or hasattr(inner, "eqns"):
                yield from sizes(getattr(inner, "jaxpr", inner))


def test_a_token_costs_the_same_however_long_blocks_may_be():
    world = BlockStationary(**LONG, longest=2**16)
    traced = jax.make_jaxpr(world.log_predictive)(world.tables(), np.zeros(16, np.int32))
    found = list(sizes(traced.jaxpr))
    assert len(found) > 30 and max(found) < 2**10


@pytest.mark.parametrize("world", [each for each in EXAMPLES if each.stationary and not each.announced], ids=label)
def test_what_follows_a_known_state_adds_up_to_the_law(world):
    """Σ P(regime, age, symbol) P(x | them) over the states before a window: the law of one token more."""
    tables, lengths = world.tables(np.float64), world.length_law()
    tokens_BL, joint = contexts(world, 3), joint_law(world, 4)
    total = np.zeros((world.alphabet, len(tokens_BL)))
    after = jax.jit(lambda tables, state: entropies._after(tables, state, 3))
    with jax.enable_x64(True):
        for state in itertools.product(range(world.regimes), range(len(lengths.met_J)), range(world.alphabet)):
            follows = after(tables, tuple(map(jnp.int32, state)))
            logp_BLV = np.asarray(compiled(world.log_predictive)(follows, tokens_BL))
            logp_B = np.take_along_axis(logp_BLV, tokens_BL[..., None], 2).sum((1, 2))
            regime, age, symbol = state
            weight = world.regime_prior()[regime] * lengths.met_J[age] * world.stationary_laws()[regime, symbol]
            total[symbol] += weight * np.exp(logp_B)
    np.testing.assert_allclose(total.reshape(joint.shape), joint, atol=1e-12)


def test_both_ways_to_the_rate_of_long_blocks_agree():
    world = BlockStationary(**LONG, longest=8)
    certified, _ = entropies._certified_rate(world, Budget())
    rough = entropies._sampled_rate(world, 5, Budget(tokens=2**17))
    assert certified.method == "certified interval" and certified.error < 1e-4 and rough.method == "Monte Carlo"
    assert rough.low <= certified.high and certified.low <= rough.high


def test_the_rate_of_very_long_blocks_is_sampled():
    truth = BlockStationary(**LONG).truth(4, budget=Budget(tokens=2**15))
    assert truth.rate.method == "Monte Carlo" and truth.rate.error < 0.02
    assert truth.curve[-1].method == "enumeration" and truth.curve[-1].error < 1e-10


@pytest.mark.parametrize(
    "world",
    [
        BlockStationary(vocabulary=64, regimes=16, block_length=10**7, lengths="geometric"),
        BlockStationary(**{**LONG, "block_length": 2**14, "longest": 2**17}),
        BlockStationary(**{**TINY, "block_length": 10**7}),
    ],
    ids=label,
)
def test_a_rate_out_of_reach_does_not_take_the_rest_with_it(world):
    truth = world.truth(2, budget=Budget(contexts=64, tokens=2**6))
    assert isinstance(truth.rate, Absent) and "tokens" in truth.rate.reason and "shorter blocks" in truth.rate.reason
    assert truth.epsilon.error < 1e-9 and truth.oracle.error < 1e-6


def test_announced_blocks_over_windows_without_end_are_refused():
    world = BlockStationary(**TINY, boundaries="announced")
    for ask in (lambda: world.truth(2**17), lambda: world.pair_law(2**17)):
        with pytest.raises(ValueError, match=r"13107\d tokens: .*at most 65536 tokens; give a shorter"):
            ask()


def test_a_share_of_the_window_is_a_block_length():
    world = BlockStationary(block_share=0.25)
    assert world.alphabet == 32 and not world.stationary
    assert [world.for_window(n).block_length for n in (1, 6, 64, 1000)] == [1, 2, 16, 250]
    assert world.for_window(64) == BlockStationary(block_length=16)
    announced = msgspec.structs.replace(world, boundaries="announced")
    assert announced.for_window(1).block_length == 2
    fixed = BlockStationary(**TINY)
    assert fixed.for_window(64) is fixed
    growing = BlockStationary(**{**TINY, "block_length": 16}, block_share=0.6)
    assert growing.truth(SHORT) == fixed.truth(SHORT)


def test_a_share_that_leaves_no_mean_is_refused_by_its_name():
    world = BlockStationary(block_share=0.001, lengths="power_law", tail=1.5)
    with pytest.raises(ValueError, match=r"block_share=0\.001 of 64 tokens gives block_length=1 .*change the share"):
        world.for_window(64)


@pytest.mark.parametrize("asked", ["tables", "machine", "mixing", "length_law"])
def test_a_share_without_a_window_is_refused(asked):
    with pytest.raises(ValueError, match=r"block_share=0.25.*once the window is.*for_window\(n\)"):
        getattr(BlockStationary(block_share=0.25), asked)()
    with pytest.raises(ValueError, match=r"block_share=0.25.*for_window\(n\)"):
        BlockStationary(block_share=0.25).pair_law(1)


def test_cells_and_evaluation_windows_hold_the_world_of_their_window():
    growing = msgspec.structs.replace(EXPERIMENT.world, block_share=0.5)
    experiment = msgspec.structs.replace(EXPERIMENT, world=growing)
    concrete = msgspec.structs.replace(EXPERIMENT.world, block_length=8)
    assert {cell.world for cell in experiment.pilot_cells()} == {concrete}
    drawn, expected = (reference(world, sequences=4, length=16, seed=0) for world in (growing, concrete))
    np.testing.assert_array_equal(drawn.logp_BLV, expected.logp_BLV)
    assert isinstance(experiment.model, Transformer) and experiment.model.context == 16
