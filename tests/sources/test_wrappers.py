"""Sources made of sources: what one law says of another, in the lanes of the trainer too, and their liars."""

import functools

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.sources import (
    Absent,
    BlockStationary,
    Budget,
    Iid,
    Inflated,
    Markov,
    Mixing,
    Mixture,
    Noisy,
    TimeReversed,
    _edges,
    _machine,
    _noise,
    _parts,
)
from testbed.train import lanes
from testbed.train.plan import plan, room
from tests.small import EXPERIMENT
from tests.sources.families.block_stationary import TINY
from tests.sources.families.markov import BACK, CHAIN, GOLDEN_MEAN
from tests.sources.families.mixture import COIN
from tests.sources.families.time_reversed import CYCLE
from tests.sources.test_dependence import check_pairs
from tests.sources.test_predictive import check_prediction, contexts, predicted
from tests.sources.test_sampler import check_window
from tests.sources.test_truth import check_curve
from tests.sources.worlds import COUNT, SHORT, decay_of, samples
from tests.train.lanes_common import train

THREE = Iid(vocabulary=3, weights=(0.5, 0.2, 0.3))
BLOCKS = BlockStationary(**TINY, phase="uniform")
ENOUGH = Budget(contexts=2**12)

noisy, inflated, mixed, turned = (
    lambda base, sigma=0.2: Noisy(base=base, sigma=sigma),
    lambda base, factor=2: Inflated(base=base, factor=factor),
    lambda *parts: Mixture(parts=parts, weights=(0.3, 0.7)),
    lambda base: TimeReversed(base=base),
)


def kind(world):
    return type(world).__name__


SAME = {
    "noise twice": (noisy(noisy(CHAIN, 0.1), 0.2), noisy(CHAIN, 1 - 0.9 * 0.8)),
    "no noise": (noisy(CHAIN, 0.0), CHAIN),
    "all noise": (noisy(CHAIN, 1.0), Iid(vocabulary=2)),
    "noise on a coin": (noisy(COIN, 0.5), Iid(vocabulary=2, weights=(0.45, 0.55))),
    "inflation twice": (inflated(inflated(COIN), 3), inflated(COIN, 6)),
    "back and forth": (turned(turned(CYCLE)), CYCLE),
    "chain of two symbols": (turned(CHAIN), CHAIN),
    "mixture of equals": (mixed(CHAIN, CHAIN), CHAIN),
    "noise and copies": (noisy(inflated(CHAIN)), inflated(noisy(CHAIN))),
    "noise and choice": (noisy(mixed(CHAIN, COIN)), mixed(noisy(CHAIN), noisy(COIN))),
    "noise and reversal": (noisy(turned(CYCLE)), turned(noisy(CYCLE))),
    "copies and choice": (inflated(mixed(CHAIN, COIN)), mixed(inflated(CHAIN), inflated(COIN))),
    "copies and reversal": (inflated(turned(CYCLE)), turned(inflated(CYCLE))),
    "choice and reversal": (turned(mixed(CYCLE, THREE)), mixed(turned(CYCLE), turned(THREE))),
}


def check_same(one, other):
    """Two sources that are one law by two roads: predictions, pairs, decay and Bayes curves."""
    tokens_BL = contexts(one, 4)
    logp_BL = [
        np.take_along_axis(predicted(each, tokens_BL), tokens_BL[..., None], 2).sum((1, 2)) for each in (one, other)
    ]
    np.testing.assert_allclose(*map(np.exp, logp_BL), atol=1e-12)
    for lag in range(4):
        np.testing.assert_allclose(one.pair_law(lag), other.pair_law(lag), atol=1e-12)
    assert one.mixing().decay == other.mixing().decay
    np.testing.assert_allclose(one.mixing().value, other.mixing().value, atol=1e-9)
    for mine, theirs in zip(one.truth(4, budget=ENOUGH).curve, other.truth(4, budget=ENOUGH).curve, strict=True):
        np.testing.assert_allclose(mine.value, theirs.value, atol=1e-10)


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_one_law_by_two_roads(pair):
    check_same(*pair)


def test_roads_to_different_laws_are_told_apart():
    for one, other in ((turned(CYCLE), CYCLE), (noisy(noisy(CHAIN, 0.1), 0.2), noisy(CHAIN, 0.3)), (CHAIN, COIN)):
        with pytest.raises(AssertionError):
            check_same(one, other)


def entropies(truth):
    return [each for each in (*truth.curve, truth.epsilon, truth.rate, truth.oracle) if not isinstance(each, Absent)]


@pytest.mark.parametrize("base", [CHAIN, GOLDEN_MEAN, CYCLE, mixed(CHAIN, COIN)], ids=kind)
def test_entropies_rise_with_noise_up_to_chance(base):
    found = [noisy(base, sigma).truth(SHORT, budget=ENOUGH) for sigma in (0.0, 0.1, 0.3, 0.6, 1.0)]
    chance = np.log(base.alphabet)
    values = np.array([[each.value for each in entropies(truth)] for truth in found])
    assert (np.diff(values, axis=0) > 0).all()
    np.testing.assert_allclose(values[-1], chance, atol=1e-12)
    clean = [each.value for each in entropies(base.truth(SHORT, budget=ENOUGH))]
    np.testing.assert_allclose(values[0], clean, atol=1e-10)
    for truth in found:
        assert truth.oracle.low <= truth.rate.high


def test_oracle_of_a_noisy_chain_is_the_entropy_of_its_blurred_rows():
    blurred = 0.7 * CHAIN.transitions() + 0.15
    entropy = -(np.array([0.6, 0.4]) @ (blurred * np.log(blurred)).sum(1))
    assert noisy(CHAIN, 0.3).truth(2).oracle.value == pytest.approx(entropy, abs=1e-12)


@pytest.mark.parametrize("base", [BlockStationary(**TINY, lengths="geometric"), GOLDEN_MEAN], ids=["nodes", "edges"])
def test_noise_on_large_machines_is_measured_through_that_of_the_base(base, monkeypatch):
    world = noisy(base, 0.3)
    exact = world.truth(8, budget=ENOUGH)
    monkeypatch.setattr(_machine, "LARGEST_EDGES", 4)
    assert isinstance(world.machine(), Absent)
    rough = world.truth(8, budget=Budget(contexts=16, tokens=2**13))
    assert rough.curve[-1].method == "Monte Carlo" and rough.curve[2].method == "enumeration"
    for known, guess in zip((*exact.curve, exact.epsilon), (*rough.curve, rough.epsilon), strict=True):
        assert abs(known.value - guess.value) <= 4 * guess.error + 1e-10
    assert rough.oracle.value == pytest.approx(exact.oracle.value, abs=1e-14)
    assert rough.rate.low - rough.rate.error <= exact.rate.high and exact.rate.low <= rough.rate.high + rough.rate.error
    assert rough.rate.error < 0.05


@pytest.mark.parametrize(
    "base", [Markov(vocabulary=3, order=2, seed=1), BlockStationary(vocabulary=4, regimes=2, block_length=3)], ids=kind
)
def test_states_that_share_what_follows_are_filtered_together(base):
    machine = base.machine()
    nodes, edges = _noise.tables_of(machine, np.float64), _edges.tables_of(machine, np.float64)
    assert isinstance(nodes, _noise.Nodes) and 2 * len(nodes.node_Q) <= len(machine.origin_E)
    tokens_L = np.random.default_rng(0).integers(0, base.alphabet, 40).astype(np.int32)
    with jax.enable_x64(True):
        together_LV = _noise.predicted(nodes, tokens_L, np.array(0.2))
        np.testing.assert_allclose(together_LV, _edges.predicted(edges, tokens_L, flip=0.2), atol=1e-12)


def test_reversal_keeps_every_entropy_of_windows():
    forwards, backwards = (world.truth(SHORT, budget=ENOUGH) for world in (CYCLE, turned(CYCLE)))
    assert backwards.curve == forwards.curve and backwards.rate == forwards.rate
    assert "backwards" in backwards.oracle.reason
    np.testing.assert_allclose(turned(CYCLE).pair_law(1), CYCLE.pair_law(1).T, atol=1e-15)
    assert np.abs(turned(CYCLE).pair_law(1) - CYCLE.pair_law(1)).max() > 0.1


def test_reversed_machine_never_uses_what_the_base_leaves_for_good():
    world = Markov(vocabulary=3, rows=((0.2, 0.3, 0.5), (0.0, 0.5, 0.5), (0.0, 1.0, 0.0)))
    machine = turned(world).machine()
    assert np.isfinite(machine.probability_E).all() and 0 not in machine.origin_E
    check_same(turned(turned(world)), world)


def test_rate_of_a_mixture_is_the_mean_rate_and_its_curve_lies_above():
    truth, parts = mixed(CHAIN, COIN).truth(40), [part.truth(40) for part in (CHAIN, COIN)]
    assert truth.rate.value == pytest.approx(0.3 * parts[0].rate.value + 0.7 * parts[1].rate.value, abs=1e-14)
    assert truth.oracle.value == pytest.approx(truth.rate.value, abs=1e-14)
    known = sum(weight * part.epsilon.value for weight, part in zip((0.3, 0.7), parts, strict=True))
    choice = -(0.3 * np.log(0.3) + 0.7 * np.log(0.7))
    assert known < truth.epsilon.value < known + choice / 40


def test_errors_of_the_parts_are_added():
    world, rough = mixed(BLOCKS, CHAIN), Budget(contexts=1, tokens=2**10)
    part, truth = BLOCKS.truth(6, budget=rough), world.truth(6, budget=rough)
    assert part.rate.method == truth.rate.method == "Monte Carlo"
    assert truth.rate.error == pytest.approx(0.3 * part.rate.error, rel=1e-9)
    assert truth.rate.high - truth.rate.low == pytest.approx(0.3 * (part.rate.high - part.rate.low), rel=1e-9)


def test_mixing_of_mixtures():
    assert decay_of(mixed(CHAIN, COIN).mixing()) == ("never", 1.0)
    # Equal frequencies of symbols: pairs of tokens cannot tell for good which part they read.
    alike = mixed(
        Markov(vocabulary=2, rows=((0.9, 0.1), (0.1, 0.9))), Markov(vocabulary=2, rows=((0.3, 0.7), (0.7, 0.3)))
    )
    assert decay_of(alike.mixing()) == ("geometric", pytest.approx(0.8, abs=1e-12))
    assert decay_of(mixed(Iid(vocabulary=2), Iid(vocabulary=2)).mixing()) == ("independent", 0.0)


class Opaque(Markov, frozen=True, kw_only=True, tag="opaque"):
    """A chain that offers no machine, and the decay that it is told to have."""

    decay: Mixing = Mixing(decay="geometric", value=0.5)

    def machine(self):
        return Absent("it is kept closed")

    def pair_law(self, lag):
        return _machine.pair_law(super().machine(), lag)

    def mixing(self):
        return self.decay


ROWS = {"vocabulary": 2, "rows": ((0.5, 0.5), (0.5, 0.5))}


def decays(*pairs):
    return [Mixing(decay=decay, value=value) for decay, value in pairs]


@pytest.mark.parametrize(
    ("parts", "slowest"),
    [
        (decays(("finite", 3.0), ("independent", 0.0)), ("finite", 3.0)),
        (decays(("finite", 3.0), ("finite", 4.0)), ("finite", 4.0)),
        (decays(("geometric", 0.3), ("geometric", -0.5)), ("geometric", -0.5)),
        (decays(("power law", 0.5), ("power law", 0.25)), ("power law", 0.25)),
        (decays(("power law", 0.5), ("geometric", 0.99)), ("power law", 0.5)),
        (decays(("periodic", 4.0), ("periodic", 6.0)), ("periodic", 12.0)),
        (decays(("periodic", 4.0), ("never", 1.0)), ("never", 1.0)),
    ],
)
def test_without_machines_the_slowest_part_decides(parts, slowest):
    world = mixed(*(Opaque(**ROWS, decay=decay) for decay in parts))
    assert (world.mixing().decay, world.mixing().value) == slowest


def test_a_mixture_without_machines_is_measured_by_its_prediction():
    world, plain = mixed(Opaque(**CHAIN_FIELDS), COIN), mixed(CHAIN, COIN)
    assert decay_of(world.mixing()) == ("never", 1.0)
    found, exact = (each.truth(SHORT, budget=ENOUGH) for each in (world, plain))
    for mine, theirs in zip(entropies(found), entropies(exact), strict=True):
        assert mine.value == pytest.approx(theirs.value, abs=1e-10)


CHAIN_FIELDS = {"vocabulary": 2, "rows": CHAIN.rows}


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
    like = EXPERIMENT.main_cells(dict.fromkeys(EXPERIMENT.models, 0.03))[0]
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
    known = tuple(_parts._mean(list(pair), [0.3, 0.7]) for pair in zip(*parts, strict=True))
    with pytest.raises(AssertionError):
        check_curve(mixed(CHAIN, COIN), msgspec.structs.replace(CHAIN.truth(SHORT), curve=known))
