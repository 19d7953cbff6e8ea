"""Laws of the Bayes prediction, and the liars they must catch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.sources import BlockStationary, Iid, Markov
from tests.sources.families.block_stationary import TINY
from tests.sources.families.markov import GOLDEN
from tests.sources.worlds import SHORT, WORLDS, compiled, every_world, joint_law, label


def contexts(world, length=SHORT):
    return np.stack(np.unravel_index(np.arange(world.alphabet**length), (world.alphabet,) * length), 1).astype(np.int32)


def predicted(world, tokens_BL, kernel=None):
    with jax.enable_x64(True):
        return np.asarray(compiled(kernel or type(world).log_predictive)(world.tables(np.float64), tokens_BL))


def check_prediction(world, logp_BLV):
    """Every conditional of the enumerated law, to 1e-10."""
    joint, tokens_BL = joint_law(world, SHORT), contexts(world)
    for t in range(SHORT):
        upto = joint.sum(axis=tuple(range(t + 1, SHORT)))
        before_B = upto.sum(-1)[tuple(tokens_BL[:, :t].T)] * np.ones(len(tokens_BL))
        after_BV = upto[tuple(tokens_BL[:, :t].T)] * np.ones((len(tokens_BL), 1))
        possible_B = before_B > 0
        expected_BV = after_BV[possible_B] / before_B[possible_B, None]
        np.testing.assert_allclose(np.exp(logp_BLV[possible_B, t]), expected_BV, rtol=1e-10, atol=1e-12)


@every_world
def test_prediction_is_the_conditional_of_the_enumerated_law(world):
    check_prediction(world, predicted(world, contexts(world)))


@every_world
def test_rows_are_normalised_and_free_of_nan_even_after_impossible_tokens(world):
    logp_BLV = predicted(world, contexts(world))
    assert not np.isnan(logp_BLV).any()
    np.testing.assert_allclose(np.exp(logp_BLV).sum(-1), 1, atol=1e-12)


@every_world
def test_chain_rule(world):
    tokens_BL = contexts(world)
    logp_BL = np.take_along_axis(predicted(world, tokens_BL), tokens_BL[..., None], 2)[..., 0]
    np.testing.assert_allclose(np.exp(logp_BL.sum(1)), joint_law(world, SHORT).reshape(-1), rtol=1e-10, atol=1e-14)


def check_causality(world, kernel):
    tokens_BL = contexts(world)
    plain_BLV = predicted(world, tokens_BL, kernel)
    for t in range(SHORT):
        changed_BL = tokens_BL.copy()
        changed_BL[:, t:] = (changed_BL[:, t:] + 1) % world.alphabet
        np.testing.assert_array_equal(predicted(world, changed_BL, kernel)[:, : t + 1], plain_BLV[:, : t + 1])


@every_world
def test_row_t_depends_on_earlier_tokens_only(world):
    check_causality(world, type(world).log_predictive)


@every_world
def test_float32_is_close_to_float64(world):
    tokens_BL = contexts(world)
    exact_BLV = predicted(world, tokens_BL)
    single_BLV = np.asarray(compiled(type(world).log_predictive)(world.tables(), tokens_BL))
    assert single_BLV.dtype == np.float32
    np.testing.assert_allclose(np.exp(single_BLV), np.exp(exact_BLV), atol=2e-5)


def shape_of(tables):
    leaves, structure = jax.tree.flatten(tables)
    return structure, tuple(np.shape(leaf) for leaf in leaves)


@pytest.mark.parametrize("kind", catalog.shelf("testbed.sources").values(), ids=lambda kind: kind.__name__)
def test_one_program_serves_all_tables_of_one_shape(kind):
    worlds = [world for world in WORLDS if type(world) is kind]
    shapes = {shape_of(world.tables()) for world in worlds}
    traces = []

    def counted(tables, tokens_L):
        traces.append(1)
        return kind.log_predictive(tables, tokens_L)

    program = jax.jit(counted)
    for world in worlds:
        program.lower(world.tables(), np.zeros(2, np.int32))
    assert len(traces) == len(shapes) < len(worlds), "two examples of a family should share a shape"


@pytest.mark.parametrize(
    "world", {(type(each), shape_of(each.tables())[0]): each for each in WORLDS}.values(), ids=label
)
def test_jit_and_vmap_change_nothing(world):
    """One world for each program: numbers of the law and sizes do not choose what is traced."""
    tokens_BL = contexts(world)
    together = compiled(type(world).log_predictive)(world.tables(), tokens_BL)
    alone = type(world).log_predictive(world.tables(), tokens_BL[1])
    np.testing.assert_allclose(np.exp(together[1]), np.exp(alone), atol=1e-6)


def test_a_long_sequence_stays_finite_in_float32():
    world = BlockStationary()
    tokens_L = np.random.default_rng(0).integers(0, 32, 2048).astype(np.int32)
    assert np.isfinite(np.asarray(world.log_predictive(world.tables(), tokens_L))).all()


def test_an_impossible_token_has_no_probability():
    logp_BLV = predicted(Markov(vocabulary=2, rows=GOLDEN), np.array([[1, 1, 0, 0]], np.int32))
    assert logp_BLV[0, 1, 1] == -np.inf and logp_BLV[0, 1, 0] == 0


def peeking(tables, tokens_L):
    """A liar: row t has seen token t."""
    return jnp.concatenate([BlockStationary.log_predictive(tables, tokens_L)[1:]] * 2)[: len(tokens_L)]


@pytest.mark.parametrize("kind", catalog.shelf("testbed.sources").values(), ids=lambda kind: kind.__name__)
def test_law_rejects_a_prediction_of_any_family_that_is_off_by_one(kind):
    """Only independent tokens have one law at all positions, after whatever tokens."""
    for world in (each for each in WORLDS if type(each) is kind):
        logp_BLV = predicted(world, contexts(world))
        if np.ptp(np.exp(logp_BLV), axis=(0, 1)).max() > 1e-9:
            with pytest.raises(AssertionError):
                check_prediction(world, np.roll(logp_BLV, 1, axis=1))
            return
    assert kind is Iid


def test_law_rejects_a_prediction_that_peeks():
    with pytest.raises(AssertionError):
        check_causality(BlockStationary(**TINY), peeking)


def test_laws_reject_the_oracle_in_place_of_bayes():
    world = BlockStationary(**TINY)
    certain = BlockStationary(**{**TINY, "prior": (1.0, 0.0)})
    with pytest.raises(AssertionError):
        check_prediction(world, predicted(certain, contexts(world)))
