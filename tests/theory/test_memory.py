"""Law: no model that is too small for a table of facts loses less than its floor, and the best one attains it."""

import itertools

import jax
import numpy as np
import pytest

from testbed.model.size import size
from testbed.model.transformer import Transformer
from testbed.sources import Facts
from testbed.theory.memory import floor, met

WORLD, LENGTH, WINDOWS = Facts(facts=12, answers=8, zipf=1.2), 10, 4000
FACT_BITS = 3.0


def losses(world, held, length, *, copies=True):
    """Nats per token of one who holds the most frequent facts, and copies an answer that it met in the window."""
    draw = jax.vmap(lambda key: world.sample(world.tables(), key=key, length=length)[0])
    keys_BK = np.asarray(draw(jax.random.split(jax.random.key(0), WINDOWS)))[:, ::2][:, : length // 2]
    again_BK = np.array([[key in row[:at] for at, key in enumerate(row)] for row in keys_BK])
    lost_BK = (keys_BK >= held) & ~(again_BK & copies)
    return lost_BK.sum(1) * np.log(world.answers) / length


@pytest.mark.parametrize("held", [0, 3, 11])
@pytest.mark.parametrize("length", [LENGTH, 7])
def test_one_who_holds_the_most_frequent_facts_and_copies_attains_it(held, length):
    found = losses(WORLD, held, length)
    exact = floor(WORLD, held, length=length, bits=FACT_BITS, doubt=1.0)
    assert abs(found.mean() - exact) < 3 * found.std() / np.sqrt(WINDOWS)


def test_a_floor_that_counts_every_meeting_is_undercut_by_a_copier():
    """The liar: `Facts.bias`, which forgets that a window tells an answer once a key was met in it."""
    found = losses(WORLD, 3, LENGTH)
    assert found.mean() + 4 * found.std() / np.sqrt(WINDOWS) < WORLD.bias(3)
    blind = losses(WORLD, 3, LENGTH, copies=False)
    assert abs(blind.mean() - WORLD.bias(3)) < 3 * blind.std() / np.sqrt(WINDOWS)


def expected(law_F, tables, draws):
    """Mean loss per window, in nats, of the best predictor of each window for one of equally likely tables."""
    total = 0.0
    for keys in itertools.product(range(len(law_F)), repeat=draws):
        chance = float(np.prod(law_F[list(keys)]))
        seen = list(dict.fromkeys(keys))
        told = [tuple(table[key] for key in seen) for table in tables]
        shares = np.unique(told, axis=0, return_counts=True)[1] / len(tables)
        total -= chance * float(shares @ np.log(shares))
    return total


@pytest.mark.parametrize(("facts", "answers", "zipf"), [(2, 2, 0.6), (3, 2, 0.0), (3, 2, 1.5), (2, 3, 0.5)])
@pytest.mark.parametrize("length", [2, 4, 6])
def test_no_code_of_one_bit_loses_less(facts, answers, zipf, length):
    """Every way to give all tables to two models, codes over several facts among them; the best one is no lower."""
    world = Facts(facts=facts, answers=answers, zipf=zipf)
    tables = list(itertools.product(range(answers), repeat=facts))
    found = []
    for word in range(2 ** (len(tables) - 1)):
        sides = [[t for at, t in enumerate(tables) if (word >> at & 1) == side] for side in (0, 1)]
        shares = [len(side) / len(tables) for side in sides]
        each = (s * expected(world.key_law(), side, length // 2) for s, side in zip(shares, sides, strict=True) if side)
        found.append(sum(each) / length)
    exact = floor(world, 1, length=length, bits=1.0, doubt=1.0)
    assert min(found) >= exact - 1e-12
    if answers == 2:
        assert min(found) == pytest.approx(exact)
    assert min(found) < floor(world, 1, length=length, bits=0.9, doubt=1.0)  # the liar: bits that it has are denied it


@pytest.mark.parametrize("guessed", [1, 2, 3, 5])
def test_luck_undercuts_it_no_more_often_than_is_said(guessed):
    """Models that hold eight facts and are sure of some more, which they guess: right in 2^-guessed of the tables."""
    world, rng, doubt = Facts(facts=40, answers=2, zipf=0.0), np.random.default_rng(guessed), 0.2
    right_T = (rng.integers(2, size=(400, guessed)) == 0).all(1)
    lost_T = np.where(right_T, 40 - 8 - guessed, np.inf) * np.log(2) * met(world, 2)[0] / 2
    below, luckless = (
        float(np.mean(lost_T < floor(world, 8, length=2, bits=1.0, doubt=each) - 1e-12)) for each in (doubt, 1.0)
    )
    assert below <= doubt + 3 * np.sqrt(doubt * (1 - doubt) / 400)
    assert luckless == right_T.mean() > 0  # the liar: no doubt is left for luck


@pytest.mark.parametrize("width", [1, 4, 16])
@pytest.mark.parametrize("answers", [2, 1024])
def test_no_transformer_has_a_floor_as_its_embedding_has_a_row_for_each_key(width, answers):
    world = Facts(facts=5000, answers=answers)
    model = Transformer(vocabulary=world.alphabet, context=32, width=width, heads=1)
    assert floor(world, size(model).parameters, length=32) == 0
    assert floor(world, world.facts // 64, length=32) > 0  # keys of several symbols would leave one


def test_what_has_no_floor_is_refused():
    with pytest.raises(ValueError, match=r"confusion=0\.1: .* give 0"):
        floor(Facts(confusion=0.1), 10, length=8)
    with pytest.raises(ValueError, match="doubt=0"):
        floor(Facts(), 10, length=8, doubt=0.0)
    assert floor(Facts(phase="uniform"), 0, length=8) == pytest.approx(floor(Facts(), 0, length=8) / 2)
