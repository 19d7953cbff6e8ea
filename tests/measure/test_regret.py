"""The regret of any predictor: exact sums, the identity with sampled losses, and one measure for all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gammaln

from testbed.measure import divergence
from testbed.measure.contexts import Reference, reference
from testbed.measure.regret import bayes, learning, regret, regrets, trained
from testbed.model import forward
from testbed.model.initial import init
from testbed.model.transformer import Transformer
from testbed.predictors import CLASSICAL, ContextTree, Counting, Predictor
from testbed.sources import BlockStationary, Iid, Markov, Polya
from tests.shared.small import WORLD

COIN = Iid(vocabulary=2, weights=(0.8, 0.2))
LENGTH = 8


def everything(world, length):
    """All windows as a reference, and their probabilities."""
    tokens_BL = np.indices((world.alphabet,) * length).reshape(length, -1).T.astype(np.int32)
    with jax.enable_x64(True):
        logp_BLV = np.asarray(jax.vmap(bayes(world))(tokens_BL))
    logp_B = np.take_along_axis(logp_BLV, tokens_BL[..., None], 2)[..., 0].sum(1)
    return Reference(tokens_BL, logp_BLV), np.exp(logp_B)


def counting_regret(weight, pseudo_count):
    """E KL(p‖q_t) of counting on a coin, t = 0, 1, …: the sum over the number of ones among t tokens."""
    found = []
    for t in range(LENGTH):
        total = 0.0
        for ones in range(t + 1):
            chance = np.exp(gammaln(t + 1) - gammaln(ones + 1) - gammaln(t - ones + 1))
            chance *= weight**ones * (1 - weight) ** (t - ones)
            q = (ones + pseudo_count) / (t + 2 * pseudo_count)
            total += chance * (weight * np.log(weight / q) + (1 - weight) * np.log((1 - weight) / (1 - q)))
        found.append(total)
    return found


@pytest.mark.parametrize("pseudo_count", [0.5, 1.0])
def test_the_regret_of_counting_on_a_coin_is_the_sum_over_counts(pseudo_count):
    shared, weight_B = everything(COIN, LENGTH)
    curve_L = weight_B @ regret(shared, learning(Counting(pseudo_count=pseudo_count), 2))
    np.testing.assert_allclose(curve_L, counting_regret(0.2, pseudo_count), rtol=1e-12)
    assert not np.allclose(curve_L, counting_regret(0.2, 0.9 * pseudo_count), rtol=1e-3)


def test_regrets_over_all_windows_are_the_sum_itself():
    found = {record["predictor"]: record for record in regrets(COIN, LENGTH, predictors=CLASSICAL[:1])}
    assert found["KT, order 0"]["regret"] == pytest.approx(np.mean(counting_regret(0.2, 0.5)), abs=1e-14)
    assert found["Bayes"]["loss"] == pytest.approx(COIN.truth(LENGTH).epsilon.value, abs=1e-14)
    assert {record["method"] for record in found.values()} == {"enumeration"}
    cycle = Markov(vocabulary=2, rows=((0.0, 1.0), (1.0, 0.0)))
    assert all(np.isfinite(record["regret"]) for record in regrets(cycle, LENGTH)), "windows that cannot occur"
    assert {record["method"] for record in regrets(Iid(vocabulary=3), 9, predictors=())} == {"Monte Carlo"}


def test_sampled_windows_agree_with_the_sum():
    records = {
        record["predictor"]: record for record in regrets(COIN, LENGTH, predictors=CLASSICAL[:1], sequences=4000)
    }
    found = records["KT, order 0"]
    assert 0 < found["error"] < 0.01
    assert abs(found["regret"] - np.mean(counting_regret(0.2, 0.5))) < 4.5 * found["error"]


@pytest.mark.parametrize("predictor", CLASSICAL, ids=lambda predictor: predictor.label)
def test_the_regret_is_the_loss_on_sampled_tokens_less_the_bayes_loss(predictor):
    world = BlockStationary(vocabulary=4, regimes=2, block_length=8)
    shared, predict = reference(world, sequences=512, length=32, seed=3), learning(predictor, 4)
    kl_B = regret(shared, predict).mean(1)
    with jax.enable_x64(True):
        logq_BLV = np.asarray(jax.jit(jax.vmap(predict))(shared.tokens_BL))
    nll_B = -np.take_along_axis(logq_BLV, shared.tokens_BL[..., None], 2)[..., 0].mean(1)
    off_B = nll_B - shared.nll_B - kl_B
    assert abs(off_B.mean()) < 4.5 * off_B.std() / np.sqrt(len(off_B))
    assert kl_B.min() > 0


@pytest.mark.parametrize("world", [COIN, Markov(vocabulary=3, order=2), WORLD])
def test_bayes_is_first_and_has_no_regret(world):
    first, *rest = regrets(world, 6, sequences=16)
    assert first["predictor"] == "Bayes" and abs(first["regret"]) < 1e-14 and first["error"] < 1e-14
    assert [record["predictor"] for record in rest] == [predictor.label for predictor in CLASSICAL]
    for record in rest:
        assert record["regret"] > 0
        assert record["loss"] - first["loss"] == pytest.approx(record["regret"], abs=1e-12)


@pytest.mark.parametrize(("weight", "name"), [(0.5, "KT, order 0"), (1.0, "Laplace, order 0")])
def test_counting_is_the_bayes_predictive_of_an_urn_with_its_pseudo_count(weight, name):
    """Each estimator has no regret on its own urn, and some on the other's."""
    predictors = (Counting(), Counting(pseudo_count=1.0))
    world = Polya(vocabulary=5, concentration=weight)
    records = regrets(world, 64, predictors=predictors, sequences=32)
    found = {record["predictor"]: record["regret"] for record in records}
    assert abs(found.pop("Bayes")) < 1e-14 and abs(found.pop(name)) < 1e-13
    (other,) = found.values()
    assert other > 1e-3


def test_the_bayes_loss_is_that_of_the_truth():
    world = Markov(vocabulary=3, order=2)
    (first,) = regrets(world, 12, predictors=(), sequences=4000)
    shared = reference(world, sequences=4000, length=12, seed=0)
    error = shared.entropy_B.std() / np.sqrt(4000)
    assert abs(first["loss"] - world.truth(12).epsilon.value) < 4.5 * error


def test_a_chain_is_learnt_by_counting_its_order():
    """Order 2 is the world's own: its regret falls with the window, and that of order 0 does not."""
    world = Markov(vocabulary=2, order=2, concentration=0.3, seed=4)
    predictors = (Counting(order=2), ContextTree(depth=2), Counting())
    found = [
        {
            record["predictor"]: record["regret"]
            for record in regrets(world, length, predictors=predictors, sequences=64)
        }
        for length in (32, 512)
    ]
    for name in ("KT, order 2", "context tree, depth 2"):
        assert found[1][name] < found[0][name] / 4
    assert found[1]["KT, order 0"] > found[0]["KT, order 0"] / 2


def test_a_network_goes_through_the_same_measure():
    model = Transformer(vocabulary=WORLD.alphabet, context=16, width=8)
    params, shared = init(model, key=jax.random.key(0)), reference(WORLD, sequences=6, length=16, seed=0)
    kl_BL = regret(shared, trained(model, params))
    logits_BLV = forward.logits_of_batch(model, params, jnp.asarray(shared.tokens_BL))
    truth_BLV = jnp.asarray(shared.logp_BLV, jnp.float32)
    seen = divergence.observe(jax.nn.log_softmax(logits_BLV), jnp.asarray(shared.tokens_BL), truth_BLV)
    np.testing.assert_allclose(kl_BL.mean(1), seen["kl_B"], atol=2e-6)
    assert kl_BL.min() > 0


def test_symbols_that_cannot_come_cost_nothing():
    world = Markov(vocabulary=2, rows=((0.5, 0.5), (1.0, 0.0)))
    kl_BL = regret(reference(world, sequences=8, length=32, seed=0), learning(Counting(order=1), 2))
    assert np.isfinite(kl_BL).all() and kl_BL[:, -1].mean() < 0.1


def test_what_excludes_a_token_that_comes_has_endless_regret():
    shared = reference(COIN, sequences=4, length=3, seed=0)
    certain = lambda tokens_L: jnp.log(jnp.tile(jnp.array([1.0, 0.0]), (len(tokens_L), 1)))  # noqa: E731
    assert np.isposinf(regret(shared, certain)).all()


class Overconfident(Predictor, frozen=True, kw_only=True):
    """A liar: its rows sum to more than one, which would make its regret too small."""

    @property
    def label(self):
        return "overconfident"

    def log_predictive(self, tokens_L, alphabet):
        return Counting().log_predictive(tokens_L, alphabet) + 0.01


def test_a_liar_whose_rows_are_no_laws_is_refused():
    with pytest.raises(ValueError, match=r"log total is 0.01 off zero.*log_softmax"):
        regrets(COIN, 4, predictors=(Overconfident(),), sequences=4)


def test_one_window_has_no_standard_error():
    with pytest.raises(ValueError, match=r"sequences=1: at least 2.*256"):
        regrets(COIN, 4, sequences=1)
