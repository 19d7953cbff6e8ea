"""Sources made of sources: what one law says of another, in the lanes of the trainer too, and their liars."""

import jax
import numpy as np
import pytest

from testbed.laws.machines import edge_filter, finite
from testbed.sources import Absent, BlockStationary, Budget, Iid, Inflated, Markov, Mixing, Mixture, Noisy, TimeReversed
from testbed.sources.noisy import noise_law
from tests.sources.families.block_stationary import TINY
from tests.sources.families.markov import CHAIN, GOLDEN_MEAN
from tests.sources.families.mixture import COIN
from tests.sources.families.time_reversed import CYCLE
from tests.sources.test_predictive import contexts, predicted
from tests.sources.worlds import SHORT, decay_of

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
    monkeypatch.setattr(finite, "LARGEST_EDGES", 4)
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
    nodes, edges = noise_law.tables_of(machine, np.float64), edge_filter.tables_of(machine, np.float64)
    assert isinstance(nodes, noise_law.Nodes) and 2 * len(nodes.node_Q) <= len(machine.origin_E)
    tokens_L = np.random.default_rng(0).integers(0, base.alphabet, 40).astype(np.int32)
    with jax.enable_x64(True):
        together_LV = noise_law.predicted(nodes, tokens_L, np.array(0.2))
        np.testing.assert_allclose(together_LV, edge_filter.predicted(edges, tokens_L, flip=0.2), atol=1e-12)


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
        return finite.pair_law(super().machine(), lag)

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
