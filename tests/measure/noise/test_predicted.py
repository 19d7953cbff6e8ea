"""What theory says of an arm, against every window there is, sums over counts, and observed models; with liars."""

import functools

import jax
import msgspec
import numpy as np
import pytest
from scipy import stats

from testbed.measure.noise.heads import fed, heads
from testbed.measure.noise.predicted import levels, long_run, setting
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward.gelu import Gelu
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.relu import Relu
from testbed.model.feedforward.step import Step
from testbed.model.noise.bounded import Bounded
from testbed.model.noise.gaussian import Gaussian
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer
from testbed.sources import Absent, BlockStationary, DirichletBlocks, Iid, Markov, Mixing, Noisy, OneRegime, Polya
from testbed.theory.laws import Growing, Setting, predicted
from testbed.theory.random_energy import participation
from testbed.theory.regimes import plateau
from testbed.weights import Fresh, GaussianLogits, Kink, Uniform
from tests.measure.noise import within
from tests.theory import tokens

CHAIN = Markov(vocabulary=3, rows=((0.7, 0.2, 0.1), (0.1, 0.3, 0.6), (0.5, 0.25, 0.25)))
REGIMES = {"vocabulary": 3, "regimes": 2, "order": 0, "concentration": 1.0, "prior": (0.3, 0.7)}
POWER = {"block_length": 4, "lengths": "power_law", "tail": 1.5, "longest": 8192, "phase": "uniform"}
LOGITS = {"width": 4, "heads": 1, "head_width": 1, "query_bound": 1.0, "embedding_noise": Gaussian(deviation=0.6)}


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


NOISES = {
    "Gaussian": Gaussian(deviation=0.7),
    "ball": Bounded(radius=2.0),
    "Student": Student(scale=0.5, freedom=8.0),
}


@pytest.mark.parametrize("name", NOISES)
def test_noise_on_values_adds_its_share(name):
    config, sequences = model(embedding_noise=NOISES[name], attention=HardMax()), 16_000
    found = told(CHAIN, config, Uniform(), [129])
    measured = np.transpose(within.spread(*within.seen(CHAIN, config, drawn(Uniform(), config, CHAIN), 129, sequences)))
    assert within.agrees(found["attention"][0], measured[0])
    assert within.agrees(found["representation"][0], measured[2], bias=0.03)
    silent = msgspec.structs.replace(config, embedding_noise=None)
    alone = told(CHAIN, silent, Uniform(), [129], drawn(Uniform(), config, CHAIN))["attention"][0]
    assert not within.agrees(alone, measured[0]), "a liar that forgets the noise"


KINKS = {"relu": Relu(), "holder": Holder(), "step": Step()}


@pytest.mark.parametrize("name", KINKS)
def test_noise_at_a_kink_is_that_of_the_kink(name):
    config = model(feedforward=KINKS[name], hidden=1, feedforward_lipschitz=0.5 if name == "relu" else None)
    params = drawn(Kink(), config, CHAIN)
    found = told(CHAIN, config, Kink(), [257])
    measured = np.transpose(within.spread(*within.seen(CHAIN, config, params, 257, 16_000)))
    for part, each in zip(within.PARTS, measured, strict=True):
        assert within.agrees(found[part][0], each, bias=0.01), part
        assert not within.agrees(1.2 * found[part][0], each, bias=0.01) or name == "step"
    near, far = (msgspec.structs.replace(config, feedforward_bound=bound) for bound in (0.1, 100.0))
    assert np.isnan(told(CHAIN, near, Kink(), [257], params)["feedforward"]).all()
    np.testing.assert_array_equal(told(CHAIN, far, Kink(), [257], params)["feedforward"], found["feedforward"])


def test_several_hidden_units_at_a_kink():
    """ReLU has a closed form for any number of hidden units; the others do not."""
    for kind in (Relu(), Holder(), Step()):
        wide = told(CHAIN, model(feedforward=kind, hidden=5), Kink(), [65])
        assert np.isfinite(wide["attention"]).all()
        assert np.isfinite(wide["feedforward"]).all() == isinstance(kind, Relu)
    relu, half = model(feedforward=Relu(), hidden=1), model(feedforward=Gelu(), hidden=1)
    kinked, smooth = (told(CHAIN, each, Kink(), [4097])["feedforward"][0] for each in (relu, half))
    assert kinked / smooth == pytest.approx((0.5 - 1 / (2 * np.pi)) / 0.25, rel=1e-3)


@pytest.mark.parametrize(("attention", "share"), [(Softmax(temperature=0.5), None), (HardMax(), 1.0)], ids=str)
def test_gaussian_logits_have_their_participation(attention, share):
    config, lengths = model(attention=attention, **LOGITS), [9, 65]
    found = told(CHAIN, config, GaussianLogits(deviation=1.5), lengths)
    shares = [share or participation(1.5, n - 1).value / (n - 1) for n in lengths]
    np.testing.assert_allclose(found["attention"], 0.36 * np.array(shares), rtol=1e-6)
    assert np.isnan(found["feedforward"]).all() and np.isnan(found["representation"]).all()


ABSENT = {
    "hard max": (CHAIN, {"attention": HardMax()}, Fresh(), within.PARTS),
    "positions": (CHAIN, {"positions": "learned"}, Fresh(), within.PARTS),
    "noise on keys": (CHAIN, {"embedding_noise": Gaussian()}, Fresh(), within.PARTS),
    "no variance": (CHAIN, {"embedding_noise": Student(freedom=2.0)}, Uniform(), within.PARTS),
    "few logits": (CHAIN, {"attention": TopK()} | LOGITS, GaussianLogits(), within.PARTS),
    "rare long blocks": (BlockStationary(**POWER, **REGIMES), {}, Fresh(), within.PARTS),
    "average of them": (BlockStationary(**POWER, **REGIMES), {}, Uniform(), within.PARTS[1:]),
    "kink elsewhere": (CHAIN, {"feedforward": Relu()}, Fresh(), within.PARTS[1:]),
    "kink of regimes": (OneRegime(**REGIMES), {"feedforward": Relu()}, Kink(), within.PARTS[1:]),
    "aligned announcers": (
        BlockStationary(boundaries="announced", **REGIMES),
        {"vocabulary": 5},
        Fresh(),
        within.PARTS,
    ),
}


@pytest.mark.parametrize("name", ABSENT)
def test_where_theory_has_no_number_there_is_none(name):
    world, switches, weights, missing = ABSENT[name]
    found = told(world, model(**switches), weights, [8, 16])
    assert {part for part, values in found.items() if np.isnan(values).any()} == set(missing)


def test_what_training_has_undone_counts_for_nothing():
    config = model()
    trained = drawn(Fresh(), config, CHAIN)
    claimed, plain = (told(CHAIN, config, weights, [33], trained) for weights in (Uniform(), Fresh()))
    assert claimed == plain


INDEPENDENT = Mixing(decay="independent", value=0.0)
GROWING = BlockStationary(block_share=0.25, **REGIMES)
SETTINGS = {
    "kept": (CHAIN, {}, Fresh(), {"world": CHAIN.mixing()}),
    "distance": (CHAIN, {"attention": L2Distance()}, Fresh(), {"world": CHAIN.mixing()}),
    "growing": (GROWING, {}, Fresh(), {"world": Growing(share=0.25)}),
    "growing laws": (DirichletBlocks(vocabulary=3, block_share=0.5), {}, Fresh(), {"world": Growing(share=0.5)}),
    "hard max": (CHAIN, {"attention": HardMax()}, Fresh(), {"world": CHAIN.mixing(), "attention": "hard max"}),
    "top k": (CHAIN, {"attention": TopK()}, Fresh(), {"world": CHAIN.mixing(), "attention": "top k"}),
    "ties": (CHAIN, {"attention": TopK()}, Uniform(), {"world": CHAIN.mixing()}),
    "logits": (
        OneRegime(**REGIMES),
        LOGITS,
        GaussianLogits(deviation=2.0),
        {"world": INDEPENDENT, "continuous": True, "logit_deviation": 2.0},
    ),
    "few logits": (
        CHAIN,
        {"attention": TopK()} | LOGITS,
        GaussianLogits(),
        {"world": INDEPENDENT, "attention": "top k", "continuous": True, "logit_deviation": 1.0},
    ),
    "noise on hard max": (
        CHAIN,
        {"attention": HardMax(), "embedding_noise": Bounded()},
        Fresh(),
        {"world": CHAIN.mixing(), "attention": "hard max", "continuous": True},
    ),
    "tails": (
        CHAIN,
        {"embedding_noise": Student(freedom=1.5)},
        Uniform(),
        {"world": CHAIN.mixing(), "continuous": True, "value_tail": 1.5},
    ),
    "light tails": (
        CHAIN,
        {"embedding_noise": Student(freedom=2.5)},
        Uniform(),
        {"world": CHAIN.mixing(), "continuous": True},
    ),
    "relu": (CHAIN, {"feedforward": Relu()}, Kink(), {"world": CHAIN.mixing(), "kink": 1.0}),
    "holder": (CHAIN, {"feedforward": Holder(exponent=0.3)}, Kink(), {"world": CHAIN.mixing(), "kink": 0.3}),
    "step": (CHAIN, {"feedforward": Step()}, Kink(), {"world": CHAIN.mixing(), "kink": 0.0}),
    "smooth": (CHAIN, {}, Kink(), {"world": CHAIN.mixing()}),
    "kink elsewhere": (CHAIN, {"feedforward": Relu()}, Uniform(), {"world": CHAIN.mixing()}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_arms_in_words_of_the_theory(name):
    world, switches, weights, fields = SETTINGS[name]
    found = setting(world, model(**switches), weights)
    assert found == Setting(**fields)
    assert len(predicted(found).why) > 20


@pytest.mark.parametrize(
    ("switches", "weights", "reason"),
    [
        ({"embedding_noise": Gaussian()}, Fresh(), "the query carries noise"),
        ({"embedding_noise": Student(freedom=1.5)}, Fresh(), "reach the keys"),
        ({"embedding_noise": Student(freedom=1.5), "attention": HardMax()}, Fresh(), "reach the keys"),
        ({"embedding_noise": Student(freedom=2.0)}, Uniform(), "tail index 2 "),
        ({"embedding_noise": Student(freedom=1.0)}, Uniform(), "tail index 1 "),
    ],
)
def test_arms_without_a_known_law_say_why(switches, weights, reason):
    found = setting(CHAIN, model(**switches), weights)
    assert isinstance(found, Absent) and reason in found.reason


def test_worlds_that_change_with_the_window_in_unknown_ways_say_so():
    base = msgspec.structs.replace(GROWING, block_share=None)
    assert setting(Noisy(base=base, sigma=0.1), model(), Fresh()) == Setting(world=base.mixing())
    found = setting(Noisy(base=GROWING, sigma=0.1), model(), Fresh())
    assert isinstance(found, Absent) and "depends on the window" in found.reason
