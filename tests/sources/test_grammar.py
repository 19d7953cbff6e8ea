"""Hierarchical grammars: closed forms of the literature, brute force on deeper trees, and liars."""

import msgspec
import numpy as np
import pytest

from testbed.laws.machines import finite
from testbed.sources import Absent, Budget, Grammar
from testbed.sources.grammar import chain, entropies
from tests.laws.enumeration import block_entropy, growth
from tests.sources.families.grammar import EXAMPLES, PAIRS, TWINS, joint, tree_law
from tests.sources.test_predictive import check_prediction, contexts, predicted
from tests.sources.test_sampler import check_window
from tests.sources.worlds import decay_of, samples

DEEP = Grammar(depth=3, branching=2, vocabulary=3, rules=2, seed=4)
TERNARY = Grammar(depth=2, branching=3, vocabulary=2, rules=3, zipf=0.5, seed=1)
LARGE = Grammar(depth=6, vocabulary=16, rules=4)


class Shared(Grammar, frozen=True, kw_only=True, tag="shared"):
    """A liar: all symbols of a level have the same rules."""

    def productions(self):
        return np.repeat(super().productions()[:, :1], self.vocabulary, axis=1)


def nodes(world):
    return sum(world.branching**level for level in range(world.depth))


def tree_entropy(world):
    weights = np.arange(1.0, world.rules + 1) ** -world.zipf
    return np.log(world.vocabulary) + nodes(world) * block_entropy(weights / weights.sum())


def check_total(world, curve):
    np.testing.assert_allclose(sum(curve), tree_entropy(world), rtol=1e-12)


@pytest.mark.parametrize("world", [DEEP, Grammar(**PAIRS), Grammar(depth=2, branching=3, vocabulary=2, rules=2)])
def test_number_of_sentences(world):
    """V·R^((C^depth - 1)/(C - 1)) sentences, all equally likely (Cagnetta et al. 2024)."""
    count = world.vocabulary * world.rules ** nodes(world)
    law = tree_law(world)
    np.testing.assert_allclose(law[law > 0], np.full(count, 1 / count), rtol=1e-12)


@pytest.mark.parametrize("world", [Grammar(), DEEP, TERNARY, LARGE, Grammar(depth=4, rules=2, zipf=1.0)])
def test_entropies_of_a_tree_add_up_to_the_closed_form(world):
    truth = world.truth(world.leaves)
    check_total(world, [each.value for each in truth.curve])
    assert {each.method for each in truth.curve} == {"enumeration"} and truth.epsilon.method == "closed form"


def test_exhibited_numbers():
    truth = Grammar.exhibit().truth(8)
    assert truth.rate.value == truth.epsilon.value == pytest.approx((np.log(8) + 7 * np.log(4)) / 8, abs=1e-15)
    assert truth.oracle.value == pytest.approx(np.log(2), abs=1e-15)
    # A change here means that the rules drawn for this world are no longer the same.
    assert truth.curve[7].value == pytest.approx(0.69197865, abs=5e-9)


@pytest.mark.parametrize("world", [DEEP, TERNARY])
def test_curve_of_a_deeper_tree_equals_the_enumeration(world):
    curve = [each.value for each in world.truth(world.leaves + 3).curve]
    reference = growth(tree_law(world))
    np.testing.assert_allclose(curve, [*reference, *reference[:3]], atol=1e-12)


def test_window_that_ends_inside_a_tree():
    world = Grammar(vocabulary=4, rules=3)
    truth = world.truth(21)
    expected = (2 * tree_entropy(world) + sum(each.value for each in truth.curve[:5])) / 21
    assert truth.epsilon.value == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("phase", ["aligned", "uniform"])
def test_prediction_across_deep_trees(phase):
    world, length = msgspec.structs.replace(DEEP, phase=phase), 10
    law = joint(world, length)
    tokens_BL = np.random.default_rng(0).permutation(np.argwhere(law))[:64].astype(np.int32)
    probability_BLV = np.exp(predicted(world, tokens_BL))
    for t in range(length):
        upto = law.sum(axis=tuple(range(t + 1, length)))[tuple(tokens_BL[:, :t].T)] * np.ones((64, 1))
        np.testing.assert_allclose(probability_BLV[:, t], upto / upto.sum(-1, keepdims=True), rtol=1e-10, atol=1e-14)


def test_a_grammar_with_all_productions_is_uniform_noise():
    world = Grammar(depth=3, vocabulary=4, rules=4)
    np.testing.assert_allclose([each.value for each in world.truth(8).curve], np.log(4), atol=1e-13)
    assert decay_of(world.mixing()) == ("independent", 0.0)


@pytest.mark.parametrize("world", [each for each in EXAMPLES if each.leaves < 9])
def test_sentences_as_a_machine_agree_with_the_closed_forms(world):
    machine = world.machine()
    for lag in range(2 * world.leaves + 2):
        np.testing.assert_allclose(finite.pair_law(machine, lag), world.pair_law(lag), atol=1e-12)
    assert decay_of(finite.mixing(machine)) == decay_of(world.mixing())


def test_mixing_tells_what_a_place_tells():
    assert decay_of(Grammar(**PAIRS).mixing()) == ("periodic", 4.0)
    assert decay_of(Grammar(**TWINS, seed=3).mixing()) == ("periodic", 2.0)
    assert decay_of(Grammar(**TWINS, seed=11).mixing()) == ("finite", 3.0)
    assert isinstance(Grammar.exhibit().machine(), Absent)


def squared_correlation(seed, level):
    """The mean over symbols of the squared covariance of the first and the last leaf of a tree."""
    world = Grammar(depth=level, vocabulary=32, rules=8, seed=seed)
    laws_PV, last = chain.place_laws(world)[0], world.leaves - 1
    apart = sum(np.outer(laws_PV[p], laws_PV[p - 1]) for p in range(world.leaves))
    return ((world.leaves * world.pair_law(last) - apart) ** 2).mean()


def check_correlation(level, exponent):
    """Variance (1 - m/v^(s-1))/(v³·m^(2l-1)) of the covariance at tree distance l, for large v (2406.00048)."""
    found = np.mean([squared_correlation(seed, level) for seed in range(24)])
    np.testing.assert_allclose(found, (1 - 8 / 32) / (32**3 * 8**exponent), rtol=0.15)


def test_correlations_fall_with_tree_distance_as_published():
    check_correlation(1, 1)
    check_correlation(2, 3)
    with pytest.raises(AssertionError):
        check_correlation(2, 2)


@pytest.mark.parametrize("phase", ["aligned", "uniform"])
def test_latents_are_a_derivation(phase):
    world = Grammar(**PAIRS, zipf=1.0, phase=phase)
    tokens_BL, latents = samples(world)
    symbol_BLN, place_BL = np.asarray(latents.symbol_LN), np.asarray(latents.place_L)
    count, margin = len(place_BL), 4 * np.sqrt(0.25 / len(place_BL))
    first_P = np.bincount(place_BL[:, 0], minlength=4) / count
    assert np.abs(first_P - (0.25 if phase == "uniform" else np.eye(4)[0])).max() < margin
    assert np.abs(np.bincount(symbol_BLN[:, 0, 1]) / count - 1 / 3).max() < margin
    for level, below_BL in enumerate([np.asarray(tokens_BL), symbol_BLN[..., 0]]):
        left_B = -place_BL[:, 0] % (2 * 2**level)
        row = np.flatnonzero(left_B + 2**level < below_BL.shape[1])
        left = left_B[row]
        written = np.stack([below_BL[row, left], below_BL[row, left + 2**level]], 1)
        rule_BR = (world.productions()[level][symbol_BLN[row, left, level]] == written[:, None]).all(-1)
        assert (rule_BR.sum(1) == 1).all()
        assert np.abs(rule_BR.mean(0) - [2 / 3, 1 / 3]).max() < 4 * np.sqrt(0.25 / len(row))


def check_guess(exact, rough):
    for known, guess in zip((*exact.curve, exact.epsilon), (*rough.curve, rough.epsilon), strict=True):
        assert abs(known.value - guess.value) <= 4 * guess.error + 1e-12


def test_places_beyond_the_budget_are_sampled():
    world, budget = EXAMPLES[0], Budget(contexts=2, tokens=2**15)
    rough = world.truth(7, budget=budget)
    methods = [each.method for each in rough.curve]
    assert methods[0] == "enumeration" and methods[3] == rough.epsilon.method == "Monte Carlo"
    assert np.isnan(entropies.place_entropies(world, 4, 2)).sum() == methods[:4].count("Monte Carlo")
    check_guess(world.truth(7), rough)
    assert world.truth(8, budget=budget).epsilon == world.truth(8).rate


def test_a_hidden_place_with_many_sentences_is_sampled(monkeypatch):
    exact = EXAMPLES[2].truth(5)
    monkeypatch.setattr(chain, "LARGEST_MACHINE", 1)
    rough = EXAMPLES[2].truth(5, budget=Budget(contexts=9, tokens=2**14))
    assert [each.method for each in rough.curve] == ["enumeration"] * 3 + ["Monte Carlo"] * 2
    check_guess(exact, rough)


def test_a_width_out_of_reach_is_refused():
    with pytest.raises(ValueError, match=r"width=1e-09.*tokens="):
        EXAMPLES[0].truth(7, budget=Budget(contexts=2, tokens=2**15, width=1e-9))


def test_laws_reject_rules_that_are_shared():
    liar = Shared(**PAIRS)
    with pytest.raises(AssertionError):
        check_total(liar, growth(tree_law(liar)))
    check_total(Grammar(**PAIRS), growth(tree_law(Grammar(**PAIRS))))


def swapped(tables, tokens_L):
    """A liar: the levels in the wrong order."""
    return Grammar.log_predictive(tables._replace(children_NVRC=tables.children_NVRC[::-1]), tokens_L)


def certain(tables, tokens_L):
    """A liar: a window met at a random moment is taken to begin a tree."""
    return Grammar.log_predictive(tables._replace(phase_O=tables.phase_O[:1] * 4), tokens_L)


def forgetful(tables, tokens_L):
    """A liar: the rules of a symbol are taken to be equally likely."""
    return Grammar.log_predictive(tables._replace(rule_R=0 * tables.rule_R + 0.5), tokens_L)


@pytest.mark.parametrize(("world", "liar"), [(EXAMPLES[0], swapped), (EXAMPLES[2], certain), (EXAMPLES[1], forgetful)])
def test_laws_reject_wrong_predictions(world, liar):
    with pytest.raises(AssertionError):
        check_prediction(world, predicted(world, contexts(world), liar))


def test_laws_reject_a_sampler_with_levels_in_the_wrong_order():
    world = Grammar(**PAIRS)
    tables = world.tables()
    tokens_BL, _ = samples(world, tables._replace(children_NVRC=tables.children_NVRC[::-1]))
    with pytest.raises(AssertionError):
        check_window(world, np.asarray(tokens_BL), 0)
