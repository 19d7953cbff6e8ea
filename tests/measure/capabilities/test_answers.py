"""Law: facts, parities and copies are scored as plain enumeration says, for Bayes and for who knows a part of them."""

import itertools

import numpy as np
import pytest

from testbed.measure.capabilities import _conditions, asked
from testbed.measure.capabilities.copying import Copying
from testbed.measure.capabilities.parities import Parities
from testbed.measure.uncovered import uncovered
from testbed.sources import CopySpans, Facts, Quanta
from tests.measure.capabilities.worlds import (
    FACTS,
    NOISY_FACTS,
    NOISY_QUANTA,
    QUANTA,
    SPANS,
    means,
    questions,
    same,
    scored,
    uniform,
    windows,
)


def planted(logp_BLV, exam, known_Q, otherwise_BLV):
    """What Bayes predicts at some questions, and another elsewhere."""
    mixed_BLV = otherwise_BLV.copy()
    place = exam.questions.row_Q[known_Q], exam.questions.column_Q[known_Q]
    mixed_BLV[place] = logp_BLV[place]
    return mixed_BLV


@pytest.mark.parametrize("known", [0, 4, 12])
def test_who_knows_the_first_facts_recalls_those(known):
    exam, shared = questions("recall", FACTS), windows(FACTS)
    fact_BL = shared.latents.fact_L
    known_Q = fact_BL[exam.questions.row_Q, exam.questions.column_Q] < known
    found = exam.scores(planted(shared.logp_BLV, exam, known_Q, uniform(FACTS)))
    knows = lambda row, column: fact_BL[row, column] < known  # noqa: E731
    true = scored(exam, lambda *at: 1.0 if knows(*at) else 0.25, lambda *at: 0.9 if knows(*at) else 0.25)
    assert exam.conditions == ("1-9", "10-12")
    assert same(found, true)
    assert found.count_BC.sum() == (fact_BL >= 0).sum()
    if known == 4:
        liar = scored(exam, lambda *at: 1.0 if fact_BL[at] < 5 else 0.25, lambda *at: 0.9)
        assert not same(found, liar, atol=0.1)


def test_the_confused_answer_is_not_the_right_one():
    """The liar takes the answer that came: it calls the table wrong one time in ten."""
    exam, shared = questions("recall", FACTS), windows(FACTS)
    came_Q = shared.tokens_BL[exam.questions.row_Q, exam.questions.column_Q] - FACTS.facts
    liar = exam._replace(questions=exam.questions._replace(key=exam.questions.key._replace(right_Q=came_Q)))
    assert means(exam.scores(shared.logp_BLV))[0] == pytest.approx(1, abs=1e-12)
    assert means(liar.scores(shared.logp_BLV))[0][0] == pytest.approx(0.9, abs=0.05)
    assert means(liar.scores(shared.logp_BLV))[0][0] < 0.95


def test_facts_behind_noise_are_scored_by_bayes_rule():
    """The first answer of a window: the key was replaced or not; both the law of the answer and the score follow."""
    base, sigma = NOISY_FACTS.base, NOISY_FACTS.sigma
    exam, shared = questions("recall", NOISY_FACTS), windows(NOISY_FACTS)
    size, right_F = base.alphabet, base.facts + base.right_answers()
    fact_BL = shared.latents.base.fact_L
    smooth_B = []
    for token, fact in zip(shared.tokens_BL[:, 0], fact_BL[:, 1], strict=True):
        weight_F = base.key_law() * ((1 - sigma) * (np.arange(base.facts) == token) + sigma / size)
        law_V = np.full(size, sigma / size) + (1 - sigma) * np.bincount(right_F, weight_F / weight_F.sum(), size)
        smooth_B.append(law_V[right_F[fact]] / law_V[base.facts :].sum())
    first_Q = exam.questions.column_Q == 1
    judged = exam.capability.judged(
        exam.questions.key._replace(right_Q=exam.questions.key.right_Q[first_Q]), shared.logp_BLV[:, 1]
    )
    np.testing.assert_allclose(judged.smooth_Q, smooth_B, atol=1e-9)


@pytest.mark.parametrize("solved", [(), (1,), (0, 1, 2)])
def test_who_solves_some_tasks_scores_on_those(solved):
    exam, shared = questions("parities", QUANTA), windows(QUANTA)
    task_Q = shared.latents.task_L[exam.questions.row_Q, exam.questions.column_Q]
    logp_BLV = planted(shared.logp_BLV, exam, np.isin(task_Q, solved), uniform(QUANTA))
    expected = [1.0 if task in solved else 0.5 for task in range(3)]
    assert exam.conditions == ("1", "2", "3")
    for score_C in means(exam.scores(logp_BLV)):
        np.testing.assert_allclose(score_C, expected, atol=1e-12)
    answers_BL = shared.latents.place_L == QUANTA.period - 1
    assert exam.scores(logp_BLV).count_BC.sum() == answers_BL.sum()


def noisy_answer(world, block_L):
    """P(the answer as written is one | the block's earlier tokens after noise), over all blocks there are."""
    base, size = world.base, world.alphabet
    chance_2 = np.zeros(2)
    for task, *bits in itertools.product(range(base.tasks), *[(0, 1)] * base.bits):
        clean_L = np.array([task, *(base.tasks + bit for bit in bits)])
        chance = base.task_law()[task] * np.prod((1 - world.sigma) * (clean_L == block_L) + world.sigma / size)
        chance_2[sum(bits[at] for at in base.subsets()[task]) % 2] += chance
    return chance_2[1] / chance_2.sum()


def test_parities_behind_noise_are_those_of_the_bits_as_written():
    """The liar takes the noisy bit for the right one, and so finds the Bayes prediction worse than it is."""
    world, period = NOISY_QUANTA, NOISY_QUANTA.base.period
    exam, shared = questions("parities", world), windows(world)
    tasks, clean_BL = world.base.tasks, shared.latents.clean_L
    after = lambda one: (1 - world.sigma) * one + world.sigma / world.alphabet  # noqa: E731

    def smooth(row, column):
        one = noisy_answer(world, shared.tokens_BL[row, column - period + 1 : column])
        right = one if clean_BL[row, column] == tasks + 1 else 1 - one
        return after(right) / (after(one) + after(1 - one))

    found = exam.scores(shared.logp_BLV)
    true = scored(exam, lambda *at: float(smooth(*at) > 0.5) + 0.5 * (abs(smooth(*at) - 0.5) < 1e-12), smooth)
    assert same(found, true, atol=1e-9)
    behind = uncovered(world, shared)
    behind = behind._replace(clean_BL=np.maximum(behind.seen_BL, tasks))
    liar = exam._replace(questions=Parities.questions(behind)).scores(shared.logp_BLV)
    off_B = (found.sharp_BC - liar.sharp_BC).sum(1)
    assert off_B.mean() > 3 * off_B.std(ddof=1) / np.sqrt(len(off_B))


def repetition_law(world, tokens_L):
    """P(next token | tokens of an aligned window), over all sequences of gaps that there are."""
    law_V, total_V = world.fresh_law(), np.zeros(world.vocabulary)
    episodes = -(-(len(tokens_L) + 1) // min(world.lengths()))
    for gaps in itertools.product(world.gaps, repeat=episodes):
        source_L = []
        for gap in gaps:
            begin = len(source_L)
            source_L += [-1] * (world.span + gap) + list(range(begin, begin + world.span))
        chance = np.prod([law_V[x] if s < 0 else x == tokens_L[s] for x, s in zip(tokens_L, source_L, strict=False)])
        source = source_L[len(tokens_L)]
        total_V += chance * (law_V if source < 0 else np.eye(world.vocabulary)[tokens_L[source]])
    return total_V / total_V.sum()


def test_copies_are_scored_by_enumeration_of_the_gaps():
    shared = windows(SPANS, length=14, sequences=24)
    exam = asked("copying", SPANS, shared)
    clean_BL = shared.tokens_BL

    def smooth(row, column):
        return repetition_law(SPANS, clean_BL[row, :column])[clean_BL[row, column]]

    def sharp(row, column):
        law_V = repetition_law(SPANS, clean_BL[row, :column])
        top_V = law_V > law_V.max() - 1e-9
        return top_V[clean_BL[row, column]] / top_V.sum()

    found = exam.scores(shared.logp_BLV)
    assert exam.conditions == ("0", "1", "2")
    assert same(found, scored(exam, sharp, smooth), atol=1e-9)
    assert (np.diff(means(found)[1]) > 0).all(), "the more of a repetition was seen, the surer"


def test_copying_with_a_chance_scores_that_chance():
    exam, shared = questions("copying", SPANS), windows(SPANS)
    source_BL = shared.latents.source_L
    for chance in (0.0, 0.3, 1.0):
        copied_BLV = np.full(shared.logp_BLV.shape, (1 - chance) / 4)
        for row, column in np.argwhere(source_BL >= 0):
            copied_BLV[row, column, shared.tokens_BL[row, source_BL[row, column]]] += chance
        with np.errstate(divide="ignore"):
            sharp_C, smooth_C = means(exam.scores(np.log(copied_BLV)))
        np.testing.assert_allclose(smooth_C, chance + (1 - chance) / 4, atol=1e-12)
        np.testing.assert_allclose(sharp_C, 1 if chance else 0.25, atol=1e-12)


def test_of_a_repetition_only_what_repeats_the_window_counts_as_seen():
    world = CopySpans(vocabulary=4, span=5, gaps=(2,), phase="uniform")
    shared = windows(world)
    exam = asked("copying", world, shared)
    expected = set()
    for row, (age_L, source_L) in enumerate(zip(shared.latents.age_L, shared.latents.source_L, strict=True)):
        for place in np.flatnonzero(source_L >= 0):
            seen = sum(source_L[place - back] >= 0 for back in range(1, age_L[place] - 6) if place >= back)
            expected.add((row, int(place), int(seen).bit_length()))
    assert expected == set(zip(*(each.tolist() for each in exam.questions[:3]), strict=True))


def test_chance_of_a_copy_knows_the_law_of_fresh_tokens():
    world = CopySpans(vocabulary=4, zipf=1.0, span=3)
    law_V = world.fresh_law()
    found = Copying.chance(asked("copying", world, windows(world, length=16)).questions.key)
    assert found.sharp_Q == pytest.approx(law_V[0])
    assert found.smooth_Q == pytest.approx((law_V**2).sum())


def test_a_prediction_that_excludes_every_answer_prefers_none():
    exam, shared = questions("recall", FACTS), windows(FACTS)
    keys_BLV = np.where(np.arange(FACTS.alphabet) < FACTS.facts, -np.log(FACTS.facts), -np.inf)
    for score_C in means(exam.scores(np.broadcast_to(keys_BLV, shared.logp_BLV.shape))):
        np.testing.assert_allclose(score_C, 0.25)


def test_many_tasks_are_asked_by_decades():
    assert Parities.conditions(Quanta(tasks=200), 64) == ("1-9", "10-99", "100-200")
    world = Quanta(tasks=100, bits=4, subset=2)
    exam, shared = asked("parities", world, windows(world)), windows(world)
    rank_Q = shared.latents.task_L[exam.questions.row_Q, exam.questions.column_Q] + 1
    assert (exam.questions.condition_Q == np.floor(np.log10(rank_Q))).all()


@pytest.mark.parametrize("most", [1, 2, 7, 8, 63])
def test_ranges_hold_each_number_once(most):
    number_Q = np.arange(1, most + 1)
    for names, place_Q in (
        (_conditions.doublings(most), _conditions.doubling(number_Q)),
        (_conditions.decades(most), _conditions.decade(number_Q)),
    ):
        for number, place in zip(number_Q, place_Q, strict=True):
            low, *high = map(int, names[place].split("-"))
            assert low <= number <= (high[0] if high else low)
        assert set(place_Q) == set(range(len(names)))
    assert _conditions.doublings(0) == ()


def test_a_window_without_questions_is_scored_zero_of_zero():
    world = Facts(facts=2, answers=2)
    shared = windows(world, length=1, sequences=4)
    found = asked("recall", world, shared).scores(shared.logp_BLV)
    assert found.count_BC.sum() == found.sharp_BC.sum() == 0
