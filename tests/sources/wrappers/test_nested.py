"""Worlds inside of worlds: what they refuse, what they keep, and how they train."""

import functools

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.sources import BlockStationary, Budget, Iid, Markov, Mixture
from testbed.sources.mixture import parts as of_parts
from testbed.train import lanes
from testbed.train.plan import plan, room
from tests.shared.small import EXPERIMENT
from tests.sources.families.block_stationary import TINY
from tests.sources.families.markov import BACK, CHAIN
from tests.sources.families.mixture import COIN
from tests.sources.families.time_reversed import CYCLE
from tests.sources.test_dependence import check_pairs
from tests.sources.test_predictive import check_prediction, contexts, predicted
from tests.sources.test_sampler import check_window
from tests.sources.test_truth import check_curve
from tests.sources.worlds import COUNT, SHORT, samples
from tests.sources.wrappers.test_wrappers import BLOCKS, CHAIN_FIELDS, Opaque, inflated, mixed, noisy, turned
from tests.train.lanes_common import train


@pytest.mark.parametrize("wrap", [noisy, turned])
def test_a_base_without_a_machine_is_refused_before_any_work(wrap):
    with pytest.raises(ValueError, match=r"base=Opaque.*it is kept closed.*use a base that has a machine"):
        wrap(Opaque(**CHAIN_FIELDS))


BRIEF = BlockStationary(**TINY, lengths="geometric")
SHARE = msgspec.structs.replace(BRIEF, block_length=9, block_share=0.5)
GROWING = {"noisy": lambda base: noisy(base, 0.95), "inflated": inflated, "mixed": lambda base: mixed(base, COIN)}


@pytest.mark.parametrize("wrap", GROWING.values(), ids=GROWING)
def test_blocks_that_grow_with_the_window_may_be_wrapped(wrap):
    world, at_six = wrap(SHARE), wrap(BRIEF)
    assert world.for_window(6) == at_six and at_six.for_window(6) is at_six
    little = Budget(contexts=64, tokens=2**10)
    assert world.truth(6, budget=little) == at_six.truth(6, budget=little)


def test_reversal_of_blocks_that_grow():
    grown = turned(msgspec.structs.replace(SHARE, phase="uniform")).for_window(6)
    assert grown == turned(msgspec.structs.replace(BRIEF, phase="uniform"))


def test_a_base_that_has_no_machine_for_its_window_is_refused_then():
    class Later(Opaque, frozen=True, kw_only=True, tag="later"):
        def for_window(self, length):
            return Opaque(**CHAIN_FIELDS)

    with pytest.raises(ValueError, match="it is kept closed"):
        noisy(Later(**CHAIN_FIELDS)).for_window(3)


def test_what_could_not_have_come_says_nothing_of_the_choice():
    world = mixed(Iid(vocabulary=2, weights=(1.0, 0.0)), Iid(vocabulary=2, weights=(0.0, 1.0)))
    logp_BLV = predicted(world, np.array([[0, 1, 1, 0]], np.int32))
    np.testing.assert_allclose(np.exp(logp_BLV[0]), [[0.3, 0.7], [1, 0], [1, 0], [1, 0]], atol=1e-15)


def test_latents_of_a_mixture_name_the_part():
    world = Mixture(parts=(Iid(vocabulary=2, weights=(1.0, 0.0)), CHAIN), weights=(0.3, 0.7))
    tokens_BL, latents = samples(world)
    part_B = np.asarray(latents.part)
    assert abs((part_B == 0).mean() - 0.3) < 4 * np.sqrt(0.21 / COUNT)
    assert (np.asarray(tokens_BL)[part_B == 0] == 0).all()
    check_window(CHAIN, np.asarray(tokens_BL)[part_B == 1], 1)


def test_latents_of_noise_name_the_tokens():
    world = noisy(Iid(vocabulary=4, weights=(1.0, 0.0, 0.0, 0.0)), 0.2)
    tokens_BL, latents = (jax.tree.map(np.asarray, each) for each in samples(world))
    replaced_BL = latents.replaced_L
    assert abs(replaced_BL.mean() - 0.2) < 4 * np.sqrt(0.16 / replaced_BL.size)
    assert (tokens_BL[~replaced_BL] == 0).all()
    assert (latents.clean_L == 0).all()
    assert np.ptp(np.bincount(tokens_BL[replaced_BL])) < 5 * np.sqrt(replaced_BL.sum() / 4)


def test_latents_of_the_base_are_kept():
    _, latents = samples(noisy(turned(inflated(BLOCKS))))
    assert latents.base.regime_L.shape == (COUNT, 6)


NESTED = [
    lambda number: noisy(
        mixed(Markov(vocabulary=6, seed=1), inflated(Markov(vocabulary=3, seed=int(9 * number)))), number
    ),
    lambda number: turned(noisy(Iid(vocabulary=6, zipf=1.0), number)),
]


def cells(worlds):
    like = EXPERIMENT.main_cells(dict.fromkeys(EXPERIMENT.tuned(), 0.03))[0]
    return [msgspec.structs.replace(like, world=world, horizon=4, checkpoints=(4,)) for world in worlds]


@pytest.mark.parametrize("nested", NESTED)
def test_wrapped_worlds_of_one_shape_lie_side_by_side(nested):
    worlds = [nested(0.1), nested(0.5)]
    together = lanes.stack([lanes.lane(cell) for cell in cells(worlds)], 2)
    keys = jax.random.split(jax.random.key(0), 8)
    draw = functools.partial(type(worlds[0]).sample, length=6)
    packed_GBL, _ = jax.jit(jax.vmap(lambda tables: jax.vmap(lambda key: draw(tables, key=key))(keys)))(together.tables)
    for world, packed_BL in zip(worlds, packed_GBL, strict=True):
        alone_BL, _ = jax.vmap(functools.partial(draw, jax.tree.map(jnp.asarray, world.tables())))(key=keys)
        np.testing.assert_array_equal(packed_BL, alone_BL)


def test_what_is_wrapped_tells_programs_apart():
    worlds = [noisy(Iid(vocabulary=6), 0.1), noisy(Iid(vocabulary=6, zipf=1.0), 0.9), noisy(Markov(vocabulary=6), 0.1)]
    worlds += [inflated(worlds[0]), inflated(Markov(vocabulary=6))]
    found = plan(cells(worlds), room(tuple(jax.local_devices())))
    assert [len(bucket.cells) for bucket in found] == [2, 1, 1, 1]


def test_a_bucket_of_wrapped_worlds_trains():
    outcomes = train(cells([NESTED[0](0.1), NESTED[0](0.5)]))
    losses = [outcome.evidence["train_loss"] for outcome in outcomes]
    assert all(np.isfinite(loss).all() for loss in losses) and losses[0] != losses[1]


def frozen(tables, tokens_L):
    """A liar: a mixture whose reader never learns which part it reads."""
    logp_MLV = [
        kind.source.log_predictive(part, tokens_L) for kind, part in zip(tables.kinds, tables.parts, strict=True)
    ]
    return jax.nn.logsumexp(tables.log_weight_M[:, None, None] + jnp.stack(logp_MLV), axis=0)


def deaf(tables, tokens_L):
    """A liar: a reader of noisy tokens who takes them for clean ones, and adds the noise to the prediction alone."""
    clean_LV = jnp.exp(tables.kind.source.log_predictive(tables.base, tokens_L))
    return jnp.log((1 - tables.sigma) * clean_LV + tables.sigma / clean_LV.shape[1])


def test_laws_reject_wrong_predictions():
    for world, kernel in ((mixed(CHAIN, COIN), frozen), (noisy(CHAIN), deaf)):
        with pytest.raises(AssertionError):
            check_prediction(world, predicted(world, contexts(world), kernel))
    forwards_BLV = predicted(CYCLE, contexts(CYCLE))
    with pytest.raises(AssertionError):
        check_prediction(turned(CYCLE), forwards_BLV)
    with pytest.raises(AssertionError):
        check_prediction(noisy(CHAIN), predicted(noisy(CHAIN, 0.25), contexts(CHAIN)))


def test_laws_reject_wrong_samplers():
    liars = {
        noisy(CHAIN): noisy(CHAIN, 0.25),
        mixed(CHAIN, COIN): Mixture(parts=(CHAIN, COIN), weights=(0.35, 0.65)),
        turned(CYCLE): CYCLE,
        inflated(CHAIN): inflated(BACK),
    }
    for world, liar in liars.items():
        tokens_BL, _ = samples(liar)
        with pytest.raises(AssertionError):
            check_window(world, np.asarray(tokens_BL), 1)


def test_laws_reject_wrong_second_order_quantities_and_entropies():
    with pytest.raises(AssertionError):
        check_pairs(turned(CYCLE), CYCLE.pair_law)
    with pytest.raises(AssertionError):
        check_pairs(noisy(CHAIN), CHAIN.pair_law)
    with pytest.raises(AssertionError):
        check_curve(noisy(CHAIN), CHAIN.truth(SHORT))
    parts = [part.truth(SHORT).curve for part in (CHAIN, COIN)]
    known = tuple(of_parts._mean(list(pair), [0.3, 0.7]) for pair in zip(*parts, strict=True))
    with pytest.raises(AssertionError):
        check_curve(mixed(CHAIN, COIN), msgspec.structs.replace(CHAIN.truth(SHORT), curve=known))
