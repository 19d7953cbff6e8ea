"""The noise of attention: derivatives, enumeration of the limit, simulated attention and plateaus, with liars."""

import numpy as np
import pytest

from testbed.laws.record import Absent, Mixing
from testbed.sources.iid import Iid
from testbed.sources.markov.source import Markov
from testbed.theory import attention_noise
from testbed.theory.attention_noise import Heads, Noise, influence, limit
from testbed.theory.feedforward import FeedForward, differences, gelu, gelu_derivative, jacobian, through
from testbed.theory.laws import Law
from testbed.theory.regimes import plateau
from tests.theory import tokens
from tests.theory.worlds import Blocks, chain

REPLICATES = 3000


def random_heads(seed, symbols=4, heads=2, width=3, model=3):
    rng = np.random.default_rng(seed)
    shapes = (heads, width), (symbols, heads, width), (symbols, heads, width), (heads, width, model)
    return Heads(*(rng.standard_normal(shape) for shape in shapes), scale=0.6)


def random_network(seed, nonlinearity=gelu, derivative=gelu_derivative, model=3, hidden=5):
    rng = np.random.default_rng(seed)
    shapes = (model, hidden), (hidden,), (hidden, model), (model,)
    return FeedForward(*(rng.standard_normal(shape) for shape in shapes), nonlinearity, derivative)


def sticky(seed=0, symbols=4):
    rows_VV = np.random.default_rng(seed).dirichlet(np.ones(symbols), size=symbols)
    return 0.7 * np.eye(symbols) + 0.3 * rows_VV


def law_of(source):
    return np.diag(source.pair_law(0))


def test_the_limit_is_attention_over_tokens_in_their_proportions():
    heads, count_V = random_heads(0), np.array([3, 1, 4, 2])
    direct_RM = tokens.attended(heads, np.repeat(np.arange(4), count_V)[None])
    np.testing.assert_allclose(limit(heads, count_V / 10), direct_RM[0], rtol=1e-12)


def test_the_influence_is_the_derivative_of_the_limit():
    heads, law_V, step = random_heads(1), np.array([0.4, 0.3, 0.2, 0.1]), 1e-6
    for symbol in range(4):
        toward_V = np.eye(4)[symbol] - law_V
        slope_M = (limit(heads, law_V + step * toward_V) - limit(heads, law_V - step * toward_V)) / (2 * step)
        np.testing.assert_allclose(influence(heads, law_V)[symbol], slope_M, rtol=1e-7, atol=1e-8)


def test_scores_may_be_large_and_a_common_shift_does_not_matter():
    heads = random_heads(2)
    shifted = heads._replace(key_VHK=heads.key_VHK + 3e4 * heads.query_HK[None])
    law_V = np.full(4, 0.25)
    np.testing.assert_allclose(influence(shifted, law_V), influence(heads, law_V), rtol=1e-8, atol=1e-9)


def simulated(source, rows_VV, heads, length, *, seed, network=None):
    rng = np.random.default_rng(seed)
    drawn_RL = tokens.markov(rng, rows_VV, law_of(source), (REPLICATES, length))
    average_RM = tokens.attended(heads, drawn_RL)
    if network is not None:
        average_RM = np.stack([average_M + network(average_M) for average_M in average_RM])
    return tokens.spread(average_RM, length)


@pytest.mark.parametrize(("seed", "scale"), [(0, 0.6), (1, 1.5)])
def test_simulated_attention_has_the_predicted_trace(seed, scale):
    rows_VV, heads, length = sticky(seed), random_heads(10 + seed)._replace(scale=scale), 512
    source = chain(rows_VV)
    measured = simulated(source, rows_VV, heads, length, seed=seed)
    whole = attention_noise.long_run(source, heads)
    (window,) = attention_noise.window(source, heads, [length])
    assert isinstance(whole, Noise) and whole.error < 1e-6
    assert tokens.agrees(window.trace, measured, bias=0.02)
    assert tokens.agrees(whole.trace, measured, bias=0.04)
    assert not tokens.agrees(forgets_lags(source, heads), measured, bias=0.04)
    # With small scores the plain mean of the values is nearly the right centre, so only large ones tell.
    assert scale < 1 or not tokens.agrees(wrong_centre(source, heads), measured, bias=0.04)


def forgets_lags(source, heads):
    independent = Iid(vocabulary=4, weights=tuple(law_of(source).tolist()))
    return attention_noise.long_run(independent, heads).trace


def wrong_centre(source, heads):
    """The liar that centres the values at their plain mean instead of the mean that attention tends to."""
    law_V = law_of(source)
    mass_VH = np.exp(heads.scale * np.einsum("hk,vhk->vh", heads.query_HK, heads.key_VHK))
    off_VHK = heads.value_VHK - np.einsum("v,vhk->hk", law_V, heads.value_VHK)
    wrong_VM = np.einsum("vh,vhk,hkm->vm", mass_VH / (law_V @ mass_VH), off_VHK, heads.mix_HKM)
    return float(np.trace(attention_noise.lags.long_run(source, wrong_VM).covariance_MM))


def test_independent_tokens_need_no_lag():
    law_V, heads = np.array([0.4, 0.3, 0.2, 0.1]), random_heads(3)
    found = attention_noise.long_run(Iid(vocabulary=4, weights=tuple(law_V.tolist())), heads)
    effect_VM = influence(heads, law_V)
    np.testing.assert_allclose(found.covariance_MM, np.cov(effect_VM.T, aweights=law_V, ddof=0), rtol=1e-12)
    assert (found.lags, found.error) == (0, 0.0)
    np.testing.assert_allclose(law_V @ effect_VM, 0, atol=1e-14)


@pytest.mark.parametrize("derivative", [gelu_derivative, None], ids=["analytic", "differences"])
def test_simulated_attention_through_a_smooth_network(derivative):
    rows_VV, heads, network = sticky(5), random_heads(5), random_network(5, derivative=derivative)
    source, length = chain(rows_VV), 1024
    measured = simulated(source, rows_VV, heads, length, seed=5, network=network)
    noise = attention_noise.long_run(source, heads)
    assert tokens.agrees(through(noise, network).trace, measured, bias=0.04)
    assert not tokens.agrees(noise.trace, measured, bias=0.04)


def test_jacobians_agree():
    network, x_M = random_network(6), np.array([0.3, -0.2, 1.1])
    np.testing.assert_allclose(network.jacobian(x_M), jacobian(network, x_M), atol=1e-8)
    numeric = network._replace(derivative=None)
    np.testing.assert_allclose(network.jacobian(x_M), numeric.jacobian(x_M), atol=1e-8)
    x_X = np.linspace(-6, 6, 101)
    np.testing.assert_allclose(differences(gelu, x_X), gelu_derivative(x_X), atol=1e-9)
    np.testing.assert_allclose(differences(np.sin, x_X), np.cos(x_X), atol=1e-9)


def test_the_network_is_the_models():
    import jax
    import jax.numpy as jnp

    from testbed.model.feedforward.gelu import Gelu

    x_X = np.linspace(-5, 5, 41, dtype=np.float32)
    np.testing.assert_allclose(gelu(x_X.astype(np.float64)), Gelu()(jnp.asarray(x_X)[None])[0], atol=1e-6)
    slope_X = jax.vmap(jax.grad(lambda x: Gelu()(x[None, None])[0, 0]))(jnp.asarray(x_X))
    np.testing.assert_allclose(gelu_derivative(x_X.astype(np.float64)), slope_X, atol=1e-5)


PRIOR = np.array([0.5, 0.3, 0.2])
LAWS = np.random.default_rng(8).dirichlet(np.full(4, 0.7), size=3)


@pytest.mark.parametrize("blocks", [1, 4])
def test_simulated_regimes_end_on_the_plateau(blocks):
    heads, length, rng = random_heads(8), 1024, np.random.default_rng(blocks)
    block_RL = np.zeros((REPLICATES, 1), dtype=int) + np.arange(length) // (length // blocks)
    average_RM = tokens.attended(heads, tokens.regimes(rng, PRIOR, LAWS, block_RL))
    truth = plateau(heads, PRIOR, LAWS, blocks=blocks)
    assert tokens.agrees(float(np.trace(truth.covariance_MM)), tokens.spread(average_RM, 1), bias=0.02)
    error_M = np.sqrt(np.diag(truth.covariance_MM) / REPLICATES)
    assert (np.abs(average_RM.mean(0) - truth.mean_M) < 4 * error_M + 0.01).all()


def test_more_blocks_leave_less_and_tend_to_the_law_of_blocks():
    heads = random_heads(9)
    traces = [np.trace(plateau(heads, PRIOR, LAWS, blocks=blocks).covariance_MM) for blocks in (1, 2, 8, 64)]
    between_ZM = LAWS @ influence(heads, PRIOR @ LAWS)
    assert (np.diff(traces) < 0).all()
    np.testing.assert_allclose(64 * traces[-1], np.trace((between_ZM.T * PRIOR) @ between_ZM), rtol=0.05)


def test_where_there_is_no_limit_the_law_is_returned():
    heads, rows = random_heads(0), np.eye(4)
    worlds = {
        "never": (Mixing(decay="never", value=1.0), 0.0),
        "power law": (Mixing(decay="power law", value=0.5), -0.5),
        "periodic": (Mixing(decay="periodic", value=2.0), None),
    }
    for claimed, slope in worlds.values():
        source = Blocks(vocabulary=4, prior=np.full(4, 0.25), laws=rows, together=(1.0, 0.5), claimed=claimed)
        law = attention_noise.long_run(source, heads)
        assert isinstance(law, Law) and law.slope == slope and not law.gaussian
        (window,) = attention_noise.window(source, heads, [8])
        assert window.trace > 0
    silent = Blocks(vocabulary=4, prior=np.full(4, 0.25), laws=rows, together=(1.0,), claimed=None)
    assert isinstance(attention_noise.long_run(silent, heads), Absent)


def test_summable_power_laws_have_a_limit():
    claimed = Mixing(decay="power law", value=2.5)
    together = (1.0, *(0.5 * np.arange(1.0, 2000) ** -2.5).tolist())
    source = Blocks(vocabulary=4, prior=np.full(4, 0.25), laws=np.eye(4), together=together, claimed=claimed)
    found = attention_noise.long_run(source, random_heads(4), tolerance=1e-3)
    assert isinstance(found, Noise) and 0 < found.error < 0.1 * found.trace


def test_requests_without_sense_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        plateau(random_heads(0), PRIOR, LAWS, blocks=0)
    with pytest.raises(ValueError, match="fewer blocks or regimes"):
        plateau(random_heads(0), PRIOR, LAWS, blocks=5000)


def test_periodic_chains_are_told_apart():
    flip = Markov(vocabulary=2, rows=((0.0, 1.0), (1.0, 0.0)))
    assert attention_noise.long_run(flip, random_heads(0, symbols=2)).limit == "unknown"
    (even,) = attention_noise.window(flip, random_heads(0, symbols=2), [6])
    assert even.trace == pytest.approx(0, abs=1e-12)
