"""Law: what noise, kinks, Gaussian logits and training do to a prediction; and the law of an arm, in words."""

import msgspec
import numpy as np
import pytest

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
from testbed.sources import Absent, BlockStationary, DirichletBlocks, Mixing, Noisy, OneRegime
from testbed.studies.noise.predictions.predicted import setting
from testbed.theory.laws import Growing, Setting, predicted
from testbed.theory.random_energy import participation
from testbed.weights import Fresh, GaussianLogits, Kink, Uniform
from tests.studies.noise.predictions import within
from tests.studies.noise.predictions.test_predicted import CHAIN, POWER, REGIMES, drawn, model, told

LOGITS = {"width": 4, "heads": 1, "head_width": 1, "query_bound": 1.0, "embedding_noise": Gaussian(deviation=0.6)}
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
