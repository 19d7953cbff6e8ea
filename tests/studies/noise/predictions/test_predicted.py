"""What theory says of an arm, against every window there is, sums over counts, and observed models; with liars."""

import functools

import jax
import numpy as np
import pytest
from scipy import stats

from testbed.model.attention.l2_distance import L2Distance
from testbed.model.feedforward.relu import Relu
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Iid, Markov, OneRegime, Polya
from testbed.studies.noise.predictions.heads import fed, heads
from testbed.studies.noise.predictions.predicted import levels, long_run
from testbed.theory.regimes import plateau
from testbed.weights import Fresh, Uniform
from tests.studies.noise.predictions import within
from tests.theory import tokens

CHAIN = Markov(vocabulary=3, rows=((0.7, 0.2, 0.1), (0.1, 0.3, 0.6), (0.5, 0.25, 0.25)))
REGIMES = {"vocabulary": 3, "regimes": 2, "order": 0, "concentration": 1.0, "prior": (0.3, 0.7)}
POWER = {"block_length": 4, "lengths": "power_law", "tail": 1.5, "longest": 8192, "phase": "uniform"}


def model(**switches):
    plain = {"vocabulary": 3, "context": 64, "width": 4, "layers": 1, "layout": "paper", "positions": "none"}
    return Transformer(**(plain | switches))


@functools.cache
def drawn(weights, config, world, seed=0):
    return weights.parameters(config, world, key=jax.random.key(seed))


def told(world, config, weights, lengths, params=None):
    """Predicted T by part, an array over lengths each."""
    params = drawn(weights, config, world) if params is None else params
    table = levels(world, config, weights, params, lengths)
    assert list(table.columns) == ["part", "length", "predicted", "error"] and len(table) == 3 * len(lengths)
    assert table.error.isna().equals(table.predicted.isna()) and not (table.error > 1e-6).any()
    return {part: table[table.part == part].predicted.to_numpy() for part in within.PARTS}


def every_window(world, config, params, length):
    """T of A given the query, as the sum over all windows."""
    world, symbols = world.for_window(length), world.alphabet
    tokens_BL = np.indices((symbols,) * (length - 1)).reshape(length - 1, -1).T.astype(np.int32)
    with jax.enable_x64(True):
        tables = world.tables(np.float64)
        logp_BLV = np.asarray(jax.jit(jax.vmap(lambda tokens_L: world.log_predictive(tables, tokens_L)))(tokens_BL))
    chance_B = np.exp(np.take_along_axis(logp_BLV, tokens_BL[..., None], 2)[..., 0].sum(1))
    total = 0.0
    for query in range(symbols):
        chosen_B = tokens_BL[:, -1] == query
        with_start_BL = np.pad(tokens_BL[chosen_B], ((0, 0), (1, 0)), constant_values=symbols)
        attention_BM = tokens.attended(heads(config, params, query, start=True), with_start_BL)
        total += spread_of(chance_B[chosen_B], attention_BM)
    return total


def spread_of(chance_B, x_BM):
    """The trace of the covariance, times the whole chance."""
    mean_M = chance_B @ x_BM / chance_B.sum()
    return float(chance_B @ ((x_BM - mean_M) ** 2).sum(1))


AVERAGED = {
    "markov": CHAIN,
    "polya": Polya(vocabulary=3),
    "blocks": BlockStationary(block_length=4, **REGIMES),
    "growing": BlockStationary(block_share=0.4, **REGIMES),
    "power law": BlockStationary(**POWER, **REGIMES),
    "one regime": OneRegime(**REGIMES),
}


@pytest.mark.parametrize("name", AVERAGED)
def test_plain_averages_have_exactly_the_predicted_noise(name):
    world, config = AVERAGED[name], model()
    params = drawn(Uniform(), config, world)
    found = told(world, config, Uniform(), [4, 7])["attention"]
    truth = [every_window(world, config, params, n) for n in (4, 7)]
    np.testing.assert_allclose(found, truth, rtol=1e-8)
    assert abs(found[1] * 49 / (36 * truth[1]) - 1) > 0.1, "a liar that forgets the start"


def ones_law(blocks, last, query):
    """The law of how many of the tokens are ones, in independent runs, the last of which ends in the query."""
    law = np.ones(1)
    for size, chance in [*blocks, (last[0] - 1, last[1])]:
        law = np.convolve(law, stats.binom.pmf(np.arange(size + 1), size, chance))
    return np.pad(law, (query, 1 - query))


def by_counts(cases, config, params, length):
    """T of each part given the query, where a case is its chance, the runs before the last and the last run."""
    total = dict.fromkeys(within.PARTS, 0.0)
    for query in (0, 1):
        offered, through = heads(config, params, query, start=True), fed(config, params, query)
        ones_C = np.arange(length)
        count_C3 = np.stack([length - 1 - ones_C, ones_C, np.ones(length)], axis=1)
        mass_3H = np.exp(offered.scale * np.einsum("hk,vhk->vh", offered.query_HK, offered.key_VHK))
        above_CHK = np.einsum("cv,vh,vhk->chk", count_C3, mass_3H, offered.value_VHK)
        attention_CM = np.einsum("chk,hkm->cm", above_CHK / (count_C3 @ mass_3H)[:, :, None], offered.mix_HKM)
        chance_C = sum(
            chance * (last[1] if query else 1 - last[1]) * ones_law(blocks, last, query)
            for chance, blocks, last in cases
        )
        fed_CM = np.array([through(attention_M) for attention_M in attention_CM])
        for part, x_CM in zip(within.PARTS, (attention_CM, fed_CM, attention_CM + fed_CM), strict=True):
            total[part] += spread_of(chance_C, x_CM)
    return total


ONES = (0.15, 0.6)
TWO = {"vocabulary": 2, "regimes": 2, "order": 0, "prior": (0.3, 0.7), "laws": tuple(((1 - p, p),) for p in ONES)}
PAIRS = [(a, b) for a in (0, 1) for b in (0, 1)]
COUNTED = {
    "independent": (
        Iid(vocabulary=2, weights=(0.7, 0.3)),
        lambda n: [(1.0, [], (n - 1, 0.3))],
        1.0,
    ),
    "one regime": (
        OneRegime(**TWO),
        lambda n: [(TWO["prior"][z], [], (n - 1, ONES[z])) for z in (0, 1)],
        2.0,
    ),
    "halves": (
        BlockStationary(block_share=0.5, **TWO),
        lambda n: [
            (TWO["prior"][a] * TWO["prior"][b], [(n // 2, ONES[a])], (n - 1 - n // 2, ONES[b])) for a, b in PAIRS
        ],
        2.0,
    ),
}
SOFT = {
    "paper": {"heads": 1},
    "prenorm": {"layout": "prenorm", "feedforward_lipschitz": 0.5},
    "distance": {"attention": L2Distance(), "feedforward_bound": 0.3, "heads": 1},
}


@pytest.mark.parametrize("switches", SOFT)
@pytest.mark.parametrize("name", COUNTED)
def test_noise_tends_to_the_exact_sum_over_counts(name, switches):
    """The rest falls as 1/n relative to T where T does, and as 1/n² where T stays."""
    world, cases, order = COUNTED[name]
    config, lengths = model(vocabulary=2, **SOFT[switches]), [128, 512]
    params = drawn(Fresh(), config, world)
    found = told(world, config, Fresh(), lengths)
    truth = [by_counts(cases(n), config, params, n) for n in lengths]
    for part in within.PARTS:
        off = [abs(found[part][at] / truth[at][part] - 1) for at in (0, 1)]
        assert off[1] < 0.01 and off[1] < 2 * off[0] / 4**order + 1e-6, (part, off)


@pytest.mark.parametrize("switches", SOFT)
@pytest.mark.parametrize("name", ["independent", "markov", "blocks"])
def test_n_times_noise_tends_to_the_long_run_covariance(name, switches):
    """Two ways to the constant: counts of symbols in windows, and the influence summed over all lags."""
    world = {"independent": COUNTED["independent"][0], **AVERAGED}[name]
    config, lengths = model(vocabulary=world.alphabet, **SOFT[switches]), [512, 2048]
    params = drawn(Fresh(), config, world)
    found = told(world, config, Fresh(), lengths)
    for part in within.PARTS:
        limit = long_run(world, config, params, part)
        off = [abs(n * found[part][at] / limit - 1) for at, n in enumerate(lengths)]
        assert off[1] < 0.01 and off[1] < off[0] / 3, (part, off)


def test_there_is_no_long_run_where_noise_stays_or_the_network_is_not_smooth():
    world = COUNTED["one regime"][0]
    config = model(vocabulary=2, heads=1)
    assert np.isnan(long_run(world, config, drawn(Fresh(), config, world), "attention"))
    bent = model(vocabulary=2, heads=1, feedforward=Relu())
    params = drawn(Fresh(), bent, world := COUNTED["independent"][0])
    assert long_run(world, bent, params, "attention") > 0 and np.isnan(long_run(world, bent, params, "feedforward"))


def test_regimes_are_those_that_the_query_tells():
    """The liar takes regimes by their prior, though a query that is rare in one of them says which it is."""
    world, cases, _ = COUNTED["one regime"]
    config = model(vocabulary=2, heads=1)
    params, law_ZV = drawn(Fresh(), config, world), np.array([[1 - p, p] for p in ONES])
    limits = [plateau(heads(config, params, query), np.array(TWO["prior"]), law_ZV) for query in (0, 1)]
    liar = sum(np.trace(each.covariance_MM) * chance for each, chance in zip(limits, [0.535, 0.465], strict=True))
    truth = by_counts(cases(1024), config, params, 1024)["attention"]
    assert told(world, config, Fresh(), [1024])["attention"][0] == pytest.approx(truth, rel=1e-3)
    assert abs(liar / truth - 1) > 0.05
