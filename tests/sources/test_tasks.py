"""Facts, quanta and copied spans: their learning curves, their latents, and sizes that strings cannot be listed for."""

import itertools
import math

import jax
import numpy as np
import pytest
from scipy.special import zeta

from testbed.laws.entropies import of_machine
from testbed.laws.machines import edge_filter, finite
from testbed.sources import Budget, CopySpans, Facts, Quanta
from tests.sources.families.facts import answer_chances, key_chances
from tests.sources.families.quanta import block_law
from tests.sources.worlds import decay_of

MANY = 10**6
FACTS = Facts(facts=20, answers=3, zipf=1.2, confusion=0.1)
PARITIES = Quanta(tasks=6, bits=4, subset=2, alpha=0.3)
LARGE = [
    Facts(facts=40, answers=5, confusion=0.2, phase="uniform"),
    Quanta(tasks=7, bits=5, subset=3, alpha=1.0, seed=4, phase="uniform"),
    Quanta(tasks=5, bits=4, subset=1),
    CopySpans(vocabulary=3, zipf=0.5, span=3, gaps=(2,), phase="uniform"),
    CopySpans(vocabulary=3, zipf=1.0, span=3, gaps=(2, 0)),
]
every_large = pytest.mark.parametrize("world", LARGE, ids=lambda world: f"{type(world).__name__}-{world.phase}")


def drawn(world, count, length, seed=0):
    sample = jax.jit(jax.vmap(lambda key: type(world).sample(world.tables(), key=key, length=length)))
    return sample(jax.random.split(jax.random.key(seed), count))


def exponent(loss, start, end):
    """The local exponent a of loss ∝ x^-a."""
    return -math.log(loss(end) / loss(start)) / math.log(end / start)


@every_large
def test_prediction_is_that_of_the_machine(world):
    tokens_BL = drawn(world, 8, 30)[0]
    with jax.enable_x64(True):
        tables = world.tables(np.float64), edge_filter.tables_of(world.machine(), np.float64)
        own, other = (
            jax.vmap(predict, in_axes=(None, 0))(each, tokens_BL)
            for predict, each in zip((type(world).log_predictive, edge_filter.predicted), tables, strict=True)
        )
    np.testing.assert_allclose(np.exp(own), np.exp(other), atol=1e-12)


@every_large
def test_truth_pairs_and_mixing_are_those_of_the_machine(world):
    budget = Budget(contexts=2**14, tokens=2**15)
    own, other = world.truth(9, budget=budget), of_machine.truth(world, 9, budget)
    for name in ("epsilon", "oracle", "rate"):
        mine, theirs = getattr(own, name), getattr(other, name)
        margin = mine.error + theirs.error
        assert mine.low - margin <= theirs.high and theirs.low <= mine.high + margin
    if not isinstance(world, CopySpans):
        for mine, theirs in zip(own.curve, other.curve, strict=True):
            assert mine.error < 1e-12 and mine.value == pytest.approx(theirs.value, abs=1e-12)
    assert decay_of(world.mixing()) == decay_of(finite.mixing(world.machine()))
    for lag in range(12):
        np.testing.assert_allclose(world.pair_law(lag), finite.pair_law(world.machine(), lag), atol=1e-12)


@pytest.mark.parametrize(
    ("ask", "value", "remedy"),
    [
        (lambda: FACTS.bias(21), "stored=21", "between 0 and 20"),
        (lambda: FACTS.bias(-1), "stored=-1", "give for example stored=20"),
        (lambda: FACTS.unseen(-2), "tokens=-2", "at least 0"),
        (lambda: PARITIES.bias(7), "learned=7", "between 0 and 6"),
        (lambda: PARITIES.unseen(-1), "tokens=-1", "give for example tokens=1000"),
        (lambda: PARITIES.unseen(10, 0), "examples=0", "met before it is solved"),
    ],
)
def test_learning_curves_refuse_what_cannot_be(ask, value, remedy):
    with pytest.raises(ValueError) as refusal:
        ask()
    assert value in str(refusal.value) and remedy in str(refusal.value)


def test_bias_of_facts_is_the_divergence_from_a_learner_who_knows_some():
    keys, answers = key_chances(FACTS), answer_chances(FACTS)
    for stored in (0, 3, 20):
        learned = answers[:stored] + [[1 / 3] * 3] * (20 - stored)
        pairs = itertools.product(range(20), range(3))
        excess = sum(keys[a] * answers[a][r] * np.log(answers[a][r] / learned[a][r]) for a, r in pairs)
        assert FACTS.bias(stored) == pytest.approx(excess / 2, abs=1e-15)


def check_unseen(world, unseen, token_of, cost, tokens, examples=1):
    """The loss of those who learned from samples of so many tokens."""
    tokens_BL = np.asarray(drawn(world, 4000, tokens)[0])
    law = np.asarray(token_of)
    seen_BF = (tokens_BL[:, :, None] == np.arange(len(law))).sum(1) >= examples
    loss_B = (~seen_BF @ law) * cost
    assert abs(loss_B.mean() - unseen) < 4 * loss_B.std() / np.sqrt(len(loss_B))


def test_unseen_facts_are_those_that_samples_have_not_shown():
    check_unseen(FACTS, FACTS.unseen(40), FACTS.key_law(), FACTS.bias(0), 40)
    with pytest.raises(AssertionError):
        check_unseen(FACTS, FACTS.unseen(80), FACTS.key_law(), FACTS.bias(0), 40)


def test_power_laws_of_facts():
    world = Facts(facts=MANY, zipf=1.5)
    beyond = world.bias(0) * world.key_law()[0] * zeta(1.5, MANY + 1)
    assert exponent(lambda stored: world.bias(stored) + beyond, 1000, 10_000) == pytest.approx(0.5, abs=5e-4)
    assert exponent(lambda tokens: world.unseen(tokens) + beyond, 10**4, 10**5) == pytest.approx(1 / 3, abs=5e-4)


def test_every_answer_belongs_to_the_fact_before_it():
    world = Facts(facts=5, answers=4, zipf=0.5, confusion=0.2, phase="uniform")
    tokens_BL, latents = drawn(world, 4000, 7)
    tokens_BL, fact_BL = np.asarray(tokens_BL), np.asarray(latents.fact_L)
    assert ((fact_BL >= 0) == (tokens_BL >= 5)).all()
    assert (fact_BL[:, 1:] == np.where(tokens_BL[:, :-1] < 5, tokens_BL[:, :-1], -1)).all()
    right = (world.right_answers()[fact_BL] + 5 == tokens_BL)[fact_BL >= 0]
    assert abs(right.mean() - 0.8) < 4 * np.sqrt(0.16 / right.size)


def test_entropies_of_two_facts():
    truth = Facts(facts=2, answers=2, zipf=1.0, confusion=0.5).truth(3)
    third = np.log(3) - 2 / 3 * np.log(2)
    np.testing.assert_allclose([each.value for each in truth.curve], [third, np.log(2), third], atol=1e-15)
    assert truth.rate.value == pytest.approx((third + np.log(2)) / 2, abs=1e-15)


def test_facts_too_many_for_a_machine_say_so():
    assert "edges" in Facts(facts=MANY, answers=16, confusion=0.1).machine().reason


def test_bias_of_quanta_is_the_divergence_from_a_learner_who_solves_some():
    law = block_law(PARITIES)
    for learned in (0, 2, 6):
        guessed = law.copy()
        guessed[learned:6, ..., 6:] = law[learned:6].sum(-1, keepdims=True) / 2
        assert PARITIES.bias(learned) == pytest.approx(divergence(law, guessed) / 6, abs=1e-15)


def divergence(law, other):
    possible = law > 0
    return float((law[possible] * np.log(law[possible] / other[possible])).sum())


@pytest.mark.parametrize("examples", [1, 3])
def test_unseen_tasks_are_those_that_samples_have_not_shown(examples):
    law, cost = PARITIES.task_law(), PARITIES.bias(0)
    check_unseen(PARITIES, PARITIES.unseen(30, examples), law, cost, 30, examples)
    with pytest.raises(AssertionError):
        check_unseen(PARITIES, PARITIES.unseen(30, examples + 1), law, cost, 30, examples)


def exponents_of_quanta(alpha, *, tail):
    """Exponents in skills and in data from sums over a million tasks, with or without those beyond."""
    world = Quanta(tasks=MANY, bits=100, alpha=alpha)
    beyond = tail * world.bias(0) * world.task_law()[0] * zeta(1 + alpha, MANY + 1)
    return (
        exponent(lambda learned: world.bias(learned) + beyond, 1000, 10_000),
        exponent(lambda tokens: world.unseen(tokens) + beyond, 102 * 10**4, 102 * 10**5),
    )


@pytest.mark.parametrize(("alpha", "skills", "data"), [(0.4, 0.3999, 0.2857), (0.8, 0.7998, 0.4444)])
def test_exponents_of_quanta_are_those_of_the_theory(alpha, skills, data):
    """α_N = α and α_D = α/(1+α), each to its four digits."""
    found = exponents_of_quanta(alpha, tail=1.0)
    assert found == pytest.approx((skills, data), abs=5e-5) and found == pytest.approx(
        (alpha, alpha / (1 + alpha)), 5e-4
    )


def test_exponents_of_quanta_need_all_tasks():
    """The liar: without the tasks beyond a million the loss ends, and falls too fast."""
    assert np.subtract(exponents_of_quanta(0.4, tail=0.0), (0.4, 0.2857)).min() > 0.01


def test_answers_are_the_parities_of_the_tasks():
    world = Quanta(tasks=6, bits=4, subset=2, phase="uniform")
    tokens_BL, latents = drawn(world, 500, 17)
    tokens_BL, place_BL, task_BL = (np.asarray(each) for each in (tokens_BL, latents.place_L, latents.task_L))
    assert ((tokens_BL < 6) == (place_BL == 0)).all() and ((task_BL < 0) == (place_BL == 0)).all()
    row, end = np.nonzero(place_BL == 5)
    row, end = row[end >= 4], end[end >= 4]
    bit_RK = tokens_BL[row[:, None], end[:, None] - 4 + world.subsets()[task_BL[row, end]]] - 6
    np.testing.assert_array_equal(tokens_BL[row, end] - 6, bit_RK.sum(1) % 2)
    assert np.abs(np.bincount(place_BL[:, 0]) / 500 - 1 / 6).max() < 4 * np.sqrt(5 / 36 / 500)


@pytest.mark.parametrize(("tasks", "bits", "subset"), [(10, 5, 3), (6, 4, 2), (30, 100, 3), (50, 66, 33)])
def test_tasks_differ_where_they_can(tasks, bits, subset):
    subsets = Quanta(tasks=tasks, bits=bits, subset=subset).subsets()
    assert (np.diff(subsets, axis=1) > 0).all() and subsets.min() >= 0 and subsets.max() < bits
    assert len(np.unique(subsets, axis=0)) == tasks


def test_more_tasks_than_subsets_repeat_them():
    subsets = Quanta(tasks=400, bits=4, subset=2).subsets()
    counts = np.unique(subsets, axis=0, return_counts=True)[1]
    assert len(counts) == 6 and ((counts - 400 / 6) ** 2 * 6 / 400).sum() < 25.7  # chi-square, 5 degrees, 1e-4


def test_out_of_phase_every_h_is_exact_for_many_tasks():
    truth = Quanta(tasks=300, bits=12, phase="uniform").truth(20)
    values = np.array([each.value for each in truth.curve])
    assert max(each.error for each in truth.curve) < 1e-11
    assert (np.diff(values) < 1e-14).all() and values[-1] == pytest.approx(truth.rate.value, abs=1e-14)
