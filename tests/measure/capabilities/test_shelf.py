"""Laws of all capabilities: chance is chance, who has not peeked names no more than Bayes, copies change nothing."""

import jax
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.measure.capabilities import asked, capabilities, of
from testbed.measure.capabilities._capability import Capability
from testbed.predictors import Counting
from testbed.sources import (
    BlockStationary,
    Facts,
    HiddenMarkov,
    Iid,
    InContextMarkov,
    Inflated,
    Mixture,
    Noisy,
    OneRegime,
    TimeReversed,
)
from tests.measure.capabilities.worlds import (
    BLOCKS,
    EXAMPLES,
    FACTS,
    FLAT,
    GEOMETRIC,
    NOISY_FLAT,
    NOISY_QUANTA,
    PAIRS,
    QUANTA,
    at,
    questions,
    same,
    uniform,
    windows,
)

EACH = pytest.mark.parametrize(("name", "world"), PAIRS, ids=[f"{name}-{at}" for at, (name, _) in enumerate(PAIRS)])


def ignorant(name, world):
    """Who knows all but the capability, where that is one prediction."""
    exam, logp_BLV = questions(name, world), uniform(world)
    if name == "naming_regime":
        key = exam.questions.key
        law_QV = np.einsum("k,qkv->qv", key.prior_K, key.rows_UKV[key.context_Q])
        with np.errstate(divide="ignore"):
            logp_BLV[exam.questions.row_Q, exam.questions.column_Q] = np.log(law_QV)
    if name == "few_shot":
        learner = Counting(order=0, pseudo_count=world.concentration)
        with jax.enable_x64(True):
            predict = jax.vmap(lambda tokens_L: learner.log_predictive(tokens_L, world.alphabet))
            return np.asarray(predict(windows(world).tokens_BL))
    return logp_BLV


def test_every_capability_is_tried():
    assert set(EXAMPLES) == set(capabilities())
    assert all(issubclass(capability, Capability) for capability in capabilities().values())


@EACH
def test_the_ignorant_are_at_chance_exactly(name, world):
    exam = questions(name, world)
    found, chance = exam.scores(ignorant(name, world)), exam.chance()
    if world in (FLAT, NOISY_FLAT):  # the prior is uneven, and regimes come as they come
        came_K = np.bincount(exam.questions.key.right_Q) / len(exam.questions.key.right_Q)
        total = (each_BC.sum() / found.count_BC.sum() for each_BC in found[1:])
        np.testing.assert_allclose(list(total), [came_K[0], came_K @ FLAT.prior], atol=1e-9)
        total = (each_BC.sum() / found.count_BC.sum() for each_BC in chance[1:])
        np.testing.assert_allclose(list(total), [0.5, np.square(FLAT.prior).sum()], atol=1e-12)
    else:
        assert same(found, chance, atol=1e-9)
    assert not same(exam.scores(windows(world).logp_BLV), chance, atol=0.1)


def right_tokens(name, world):
    """A liar's prediction at each question: what gives its answer away."""
    exam, key = questions(name, world), questions(name, world).questions.key
    row_Q = np.arange(len(key.right_Q))
    if name == "naming_regime":
        return exam, np.log(key.rows_UKV[key.context_Q][row_Q, key.right_Q] + 1e-12)
    first = {"recall": world.alphabet - getattr(key, "answers", 0), "parities": world.alphabet - 2}.get(name, 0)
    return exam, np.log(np.eye(world.alphabet)[first + key.right_Q] + 1e-6)


PEEKED = [*(("naming_regime", world) for world in (BLOCKS, GEOMETRIC, NOISY_FLAT)), ("parities", NOISY_QUANTA)]


@pytest.mark.parametrize(("name", "world"), PEEKED, ids=["blocks", "geometric", "noisy", "parities"])
def test_who_peeks_names_more_than_bayes(name, world):
    """Sharply Bayes has the most that can be had without peeking, so that a surplus gives a liar away."""
    exam, logp_QV = right_tokens(name, world)
    bayes_BLV = windows(world).logp_BLV
    peeked_BLV = bayes_BLV.copy()
    peeked_BLV[exam.questions.row_Q, exam.questions.column_Q] = logp_QV
    bayes = exam.scores(bayes_BLV)

    def surplus(logp_BLV):
        more_B = (exam.scores(logp_BLV).sharp_BC - bayes.sharp_BC).sum(1)
        return more_B.mean() / (more_B.std(ddof=1) / np.sqrt(len(more_B)))

    assert surplus(peeked_BLV) > 4
    rng = np.random.default_rng(0)
    honest_BLV = np.log(np.exp(bayes_BLV) * np.exp(0.5 * rng.standard_normal(bayes_BLV.shape)) + 1e-3)
    assert surplus(honest_BLV - np.logaddexp.reduce(honest_BLV, axis=2, keepdims=True)) < 2


@EACH
def test_copies_of_symbols_change_nothing(name, world):
    copies, shared = 3, windows(world)
    rng = np.random.default_rng(0)
    tokens_BL = shared.tokens_BL * copies + rng.integers(copies, size=shared.tokens_BL.shape)
    logp_BLV = np.repeat(shared.logp_BLV - np.log(copies), copies, axis=2)
    exam = asked(name, Inflated(base=world, factor=copies), shared._replace(tokens_BL=tokens_BL))
    plain = questions(name, world)
    assert same(exam.scores(logp_BLV), plain.scores(shared.logp_BLV), atol=1e-4)
    assert same(exam.chance(), plain.chance())


@EACH
def test_sequences_are_scored_by_themselves(name, world):
    shared, exam = windows(world), questions(name, world)
    some = np.array([5, 1, 44])
    found = asked(name, world, at(shared, some)).scores(shared.logp_BLV[some])
    together = exam.scores(shared.logp_BLV)
    assert same(found[:2], [each[some] for each in together[:2]])
    if name != "few_shot":  # its unit is the mean gap of all windows
        assert same(found[2:], [each[some] for each in together[2:]], atol=1e-6)


@EACH
def test_only_the_predictions_that_are_asked_for_count(name, world):
    shared, exam = windows(world), questions(name, world)
    other_BLV = uniform(world)
    place = exam.questions.row_Q, exam.questions.column_Q
    other_BLV[place] = shared.logp_BLV[place]
    assert same(exam.scores(other_BLV), exam.scores(shared.logp_BLV))
    assert (exam.questions.column_Q > 0).all(), "at the first position nothing is known"


def test_noise_within_copies_within_noise_is_seen_through():
    inner = Inflated(base=Facts(facts=4, answers=3), factor=2)
    world = Inflated(base=Noisy(base=Noisy(base=inner, sigma=0.1), sigma=0.05), factor=2)
    shared = windows(world, length=8)
    exam = asked("recall", world, shared)
    assert exam.copies == 4
    fact_BL = shared.latents.base.base.fact_L
    assert exam.scores(shared.logp_BLV).count_BC.sum() == (fact_BL >= 0).sum()
    found = exam.scores(shared.logp_BLV).sharp_BC.sum() / exam.scores(shared.logp_BLV).count_BC.sum()
    assert 0.8 < found < 1


@pytest.mark.parametrize(
    ("world", "names"),
    [
        (BLOCKS, ["naming_regime"]),
        (Noisy(base=QUANTA, sigma=0.1), ["parities"]),
        (Inflated(base=InContextMarkov(vocabulary=2), factor=2), ["few_shot"]),
        (BlockStationary(block_share=0.25), ["naming_regime"]),
        (BlockStationary(block_length=1), []),
        (OneRegime(vocabulary=4, regimes=1), []),
        (HiddenMarkov.exhibit(), []),
        (TimeReversed(base=OneRegime.exhibit()), []),
    ],
    ids=lambda each: type(each).__name__ if not isinstance(each, list) else "-".join(each) or "none",
)
def test_what_a_world_has(world, names):
    assert list(of(world)) == names


REFUSED = [
    (FACTS, "naming_regime", "facts has no regimes to name; capabilities of this world: recall."),
    (BLOCKS, "copying", "block_stationary has no spans to copy; capabilities of this world: naming_regime."),
    (Iid(vocabulary=2), "recall", "iid has no facts to recall; capabilities of this world: none."),
    (
        Mixture(parts=(FACTS, Facts(facts=12, answers=4, seed=1))),
        "recall",
        "mixture has no facts to recall: what its parts hide is asked of each part by itself; capabilities of this"
        " world: none.",
    ),
    (
        TimeReversed(base=OneRegime.exhibit()),
        "naming_regime",
        "time_reversed has no regimes to name: it hides what is to come, in the order of its base; capabilities of this"
        " world: none.",
    ),
    (FACTS, "reasoning", "'reasoning' is not on this shelf; known names: copying, few_shot, naming_regime, parities,"),
]


@pytest.mark.parametrize(("world", "name", "told"), REFUSED, ids=[told[:28] for *_, told in REFUSED])
def test_what_a_world_has_not_is_refused_in_a_sentence(world, name, told):
    with pytest.raises(ValueError) as refusal:
        asked(name, world, windows(world, length=6, sequences=4))
    assert str(refusal.value).startswith(told)
    assert len(str(refusal.value)) <= 400


def test_windows_without_latents_and_predictions_of_others_are_refused():
    shared, exam = windows(FACTS), questions("recall", FACTS)
    with pytest.raises(ValueError, match="without their latents"):
        asked("recall", FACTS, shared._replace(latents=None))
    with pytest.raises(ValueError, match="predict the same windows"):
        exam.scores(shared.logp_BLV[1:])
    with pytest.raises(ValueError, match="NaN; leave out the run"):
        exam.scores(np.full_like(shared.logp_BLV, np.nan))


def test_a_world_whose_blocks_grow_with_the_window_is_asked():
    world = BlockStationary(vocabulary=4, regimes=2, block_share=0.5, order=0)
    shared = windows(world, length=16, sequences=32)
    exam = asked("naming_regime", world, shared)
    assert exam.conditions == ("1", "2", "4")
    fixed = msgspec.structs.replace(world, block_share=None, block_length=8)
    assert same(exam.scores(shared.logp_BLV), asked("naming_regime", fixed, shared).scores(shared.logp_BLV))


def test_each_capability_says_what_it_is():
    for name, capability in capabilities().items():
        assert catalog.variant("testbed.measure.capabilities", name) is capability
        assert capability.thing and capability.kinds
