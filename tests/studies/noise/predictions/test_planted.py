"""Planted cases: on worlds and weights whose law is known, the instrument finds it, and refuses the liar's."""

import functools

import jax
import numpy as np
import pytest

from testbed.model.feedforward.gelu import Gelu
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.relu import Relu
from testbed.model.noise.gaussian import Gaussian
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Iid, Markov, OneRegime
from testbed.stats.decay import decay_slope
from testbed.stats.plateau import plateau
from testbed.stats.streaming import total, variance, variance_within
from testbed.studies.noise.measures import rows
from testbed.studies.noise.measures.observe import observe
from testbed.studies.noise.predictions.predicted import levels
from testbed.theory.random_energy import freezing, participation
from testbed.weights import Fresh, GaussianLogits, Kink, Uniform

MODEL = Transformer(
    vocabulary=2, context=16, width=4, layers=1, heads=2, hidden=1, layout="paper", positions="none"
)  # fmt: skip
TOKENS = Iid(vocabulary=2, weights=(0.7, 0.3))
LENGTHS = (128, 512, 1024, 4096)
PART = {"attention": 0, "feedforward": 1}
CUT = 2**15


def chain(eigenvalue):
    stay = (1 + eigenvalue) / 2
    return Markov(vocabulary=2, rows=((stay, 1 - stay), (1 - stay, stay)))


def model(**changes):
    return Transformer(**{name: getattr(MODEL, name) for name in MODEL.__struct_fields__} | changes)


@functools.cache
def seen(world, config, weights, length, sequences, room=LENGTHS[-1]):
    params = weights.parameters(config, world, key=jax.random.key(0))
    return observe(
        world, config, params, length=length, sequences=sequences, kept=sequences, deep=False,
        key=jax.random.key(length), directions=jax.random.key(0), room=max(room, length),
    )  # fmt: skip


def apart(config, weights, world):
    """|v_0 − v_1|² of the attention's values of the two tokens."""
    params = weights.parameters(config, world, key=jax.random.key(0))
    layer = params["blocks"]["layer_0"]
    value_VM = np.einsum("vm,mhk,hko->vo", params["token_VM"], layer["value_MHK"], layer["mix_HKM"])
    return np.sum((value_VM[0] - value_VM[1]) ** 2)


def measured(world, config, weights, lengths, sequences, part="attention", room=LENGTHS[-1]):
    """T given the query, its error and what theory says, at each length."""
    params = weights.parameters(config, world, key=jax.random.key(0))
    told = levels(world, config, weights, params, lengths).query(f"part == {part!r}")["predicted"].to_numpy()
    found = [variance_within(seen(world, config, weights, n, sequences, room).groups(PART[part])) for n in lengths]
    t_N, error_N = np.array(found).T
    return t_N, error_N, told


def slope_of(t_N, error_N, lengths, sequences):
    return decay_slope(
        np.array(lengths, float), t_N, error_N, np.full(len(lengths), float(sequences)), level=0.95
    ).slope  # fmt: skip


def shape(world, config, weights, length, sequences, part="attention", draw="random 1"):
    found = rows.shapes(seen(world, config, weights, length, sequences))
    return next(row for row in found if (row["part"], row["given"], row["direction"]) == (part, "query", draw))


def test_plain_averages_of_independent_tokens_have_slope_minus_one_and_the_variance_of_a_value():
    length, sequences = 16, 100_000
    found = seen(TOKENS, MODEL, Uniform(), length, sequences, room=length)
    trace = 0.7 * 0.3 * apart(MODEL, Uniform(), TOKENS)
    given, _ = variance_within(found.groups(0))  # the query's token is known, the other n − 2 are drawn
    assert given * length**2 / (length - 2) == pytest.approx(trace, rel=0.01)
    t_N, error_N, told_N = measured(TOKENS, MODEL, Uniform(), LENGTHS, 1500)
    slope = slope_of(t_N, error_N, LENGTHS, 1500)
    assert slope.low < -1 < slope.high and slope.high - slope.low < 0.1
    assert np.all(np.abs(t_N - told_N) < 4 * error_N)
    long_N = np.array(LENGTHS) >= 256  # the claim as it is written, n·T = tr Cov(v), for what is predicted and measured
    n_N = np.array(LENGTHS)[long_N]
    np.testing.assert_allclose(n_N * told_N[long_N], trace, rtol=0.01)
    off, error = n_N * t_N[long_N] - trace, n_N * error_N[long_N]
    assert abs(off.mean()) < 3 * np.linalg.norm(error) / len(error)


@pytest.mark.parametrize("eigenvalue", [-0.5, 0.5, 0.9, 0.95])
def test_chains_follow_their_eigenvalue(eigenvalue):
    world, sequences, lengths = chain(eigenvalue), 1500, (1024, 4096)
    t_N, error_N, told_N = measured(world, MODEL, Uniform(), lengths, sequences)
    assert np.all(np.abs(t_N - told_N) < 4 * error_N)
    _, _, independent_N = measured(chain(0.0), MODEL, Uniform(), lengths, sequences)
    ratio = (1 + eigenvalue) / (1 - eigenvalue)
    assert told_N[-1] / independent_N[-1] == pytest.approx(ratio, rel=0.03)
    assert not np.all(np.abs(t_N - independent_N) < 4 * error_N)  # the liar: independent tokens


def test_one_regime_leaves_a_plateau():
    world = OneRegime(vocabulary=2, regimes=2, order=0, laws=(((0.9, 0.1),), ((0.3, 0.7),)))
    t_N, error_N, told_N = measured(world, MODEL, Uniform(), LENGTHS, 1500)
    assert np.all(np.abs(t_N - told_N) < 4 * error_N)
    slope = slope_of(t_N, error_N, LENGTHS, 1500)
    assert slope.low > -0.2 and t_N[-1] / t_N[0] > 0.8
    fitted = plateau(np.array(LENGTHS), t_N, error_N, np.full(len(LENGTHS), 1500), exponents=(0.5, 3.0), level=0.95)
    left = 0.6 * 0.75 * 0.25 + 0.4 * 0.125 * 0.875  # spread of the regime when the query's token is known, by Bayes
    limit = left * 0.6**2 * apart(MODEL, Uniform(), world)
    assert fitted.limit.low < limit < fitted.limit.high < 1.1 * limit and fitted.limit.low > 0.9 * limit
    assert shape(world, MODEL, Uniform(), LENGTHS[-1], 1500)["distance_low"] > 0.1  # two heaps


def test_power_law_blocks_fall_as_the_tail_says():
    """With regimes so far apart, the noise within blocks and between them has the power of the limit already here."""
    laws, lengths, sequences = (((0.85, 0.15),), ((0.15, 0.85),)), (64, 256, 1024), 20_000
    world = BlockStationary(
        vocabulary=2, regimes=2, order=0, laws=laws, block_length=2, lengths="power_law", tail=1.5, longest=CUT * 4,
        phase="uniform",
    )  # fmt: skip
    t_N, error_N, told_N = measured(world, MODEL, Uniform(), lengths, sequences, room=lengths[-1])
    assert np.all(np.abs(t_N - told_N) < 4.5 * error_N)
    slope = slope_of(t_N, error_N, lengths, sequences)
    assert slope.low > -0.55 and slope.high < -0.45


@pytest.mark.parametrize(
    ("nonlinearity", "slope", "gaussian"),
    [(Gelu(), -1.0, True), (Relu(), -1.0, False), (Holder(exponent=0.5), -0.5, False)],
)
def test_kinks_at_the_mean_bend_the_slope_or_the_shape(nonlinearity, slope, gaussian):
    world, sequences = TOKENS, 2000
    config = model(feedforward=nonlinearity)
    t_N, error_N, told_N = measured(world, config, Kink(), LENGTHS, sequences, "feedforward")
    found = slope_of(t_N, error_N, LENGTHS, sequences)
    assert abs(found.value - slope) < 0.05 and found.low < slope + 0.02 and found.high > slope - 0.02
    assert t_N[-1] == pytest.approx(told_N[-1], rel=0.1)
    last = shape(world, config, Kink(), LENGTHS[-1], sequences, "feedforward")
    assert (last["lilliefors_p"] > 1e-3) == gaussian
    assert (last["distance_low"] > last["floor_95"]) == (not gaussian)


def drawn_share(deviation, count, *, seed, draws=4000):
    """E[Σg²/(Σg)²] of g = e^{s·Z}, and its standard error, from numbers of numpy's own."""
    weight_RL = np.exp(deviation * np.random.default_rng([seed, 20]).standard_normal((draws, count)))
    share_R = np.sum(weight_RL**2, axis=1) / np.sum(weight_RL, axis=1) ** 2
    return share_R.mean(), share_R.std(ddof=1) / np.sqrt(draws)


@pytest.mark.parametrize("deviation", [0.5, 1.0, 1.5, 2.0, 2.5])
def test_gaussian_logits_follow_their_exact_value_and_freeze(deviation):
    """The value at finite n is told by theory, drawn by numpy alone, and measured in the model."""
    config = Transformer(
        vocabulary=2, context=16, width=3, layers=1, heads=1, head_width=1, hidden=2, layout="paper", positions="none",
        query_bound=1.0, embedding_noise=Gaussian(deviation=1.0),
    )  # fmt: skip
    weights, lengths, sequences = GaussianLogits(deviation=deviation), (65, 257, 1025), 2500
    t_N, error_N, told_N = measured(TOKENS, config, weights, lengths, sequences, room=lengths[-1])
    assert np.all(np.abs(t_N - told_N) < 4 * error_N)
    exact_N = [participation(deviation, n - 1).value / (n - 1) for n in lengths]
    np.testing.assert_allclose(told_N, exact_N, rtol=1e-6)
    drawn_N, spread_N = np.array([drawn_share(deviation, n - 1, seed=n) for n in lengths]).T
    assert np.all(np.abs(t_N - drawn_N) < 4 * np.hypot(error_N, spread_N))
    scaled = t_N[-1] * 1024 / np.exp(deviation**2)
    assert (exact_N[-1] * 1024 / np.exp(deviation**2) > 0.9) == (deviation <= 1.5)  # within a tenth of the limit
    if deviation <= 1.5:
        for n in (1024, 4096, 65536):
            assert participation(deviation, n).value == pytest.approx(np.exp(deviation**2), rel=0.1)
    if deviation > 0.5 * freezing(1024):
        slope = np.log(t_N[-1] / t_N[0]) / np.log(lengths[-1] / lengths[0])
        assert slope > -0.9 and scaled < 0.7  # not 1/n, and far below the limit


def test_unconditional_noise_keeps_the_spread_of_the_query():
    """The claim taken literally: with a query that is heeded, T given nothing does not fall."""
    world = Iid(vocabulary=2, weights=(0.6, 0.4))
    found = [seen(world, MODEL, Fresh(), n, 1500) for n in (128, 4096)]
    given = [variance_within(each.groups(0))[0] for each in found]
    free = [variance(total(each.groups(0)))[0] for each in found]
    assert given[1] / given[0] < 0.05 and free[1] / free[0] > 0.5
