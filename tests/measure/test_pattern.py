"""Law: a label names what is hidden behind a token, and only where the tokens before it hold some of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from testbed.ground import catalog, keys
from testbed.measure.contexts import Reference, reference
from testbed.measure.pattern import LABELS, NONE, pattern
from testbed.sources import (
    BlockStationary,
    CopySpans,
    Facts,
    Grammar,
    HiddenMarkov,
    Iid,
    Inflated,
    Mixture,
    Noisy,
    OneRegime,
    Quanta,
)

SHELF = catalog.shelf("testbed.sources")
LENGTH = 20


def shown(world, sequences=40):
    shared = reference(world, sequences=sequences, length=LENGTH, seed=1)
    return shared, pattern(world, shared)


@pytest.mark.parametrize("name", sorted(set(SHELF) - {"noisy", "inflated"}))
def test_each_world_has_groups_or_says_in_a_sentence_that_it_has_none(name):
    world = SHELF[name].exhibit()
    shared = reference(world, sequences=8, length=LENGTH, seed=1)
    if SHELF[name] in NONE:
        with pytest.raises(ValueError, match=f"^{name} hides .*: without groups there is no signal across contexts; "):
            pattern(world, shared)
        return
    found = pattern(world, shared)
    assert SHELF[name] in LABELS
    assert found.label_BL.shape == shared.tokens_BL.shape
    assert found.label_BL.min() >= -1
    assert found.label_BL.max() < found.groups
    assert (found.label_BL[:, 0] == -1).all(), "before the first token nothing is known"
    assert (found.label_BL >= 0).any()


def slow(world, shared):
    """Labels by a walk over the tokens, from the latents and the definition."""
    latents, label_BL = shared.latents, np.full(shared.tokens_BL.shape, -1)
    for row in range(len(label_BL)):
        for place in range(1, LENGTH):
            label_BL[row, place] = label(world, shared.tokens_BL[row], {f: v[row] for f, v in _by(latents)}, place)
    return label_BL


def _by(latents):
    return [(field, getattr(latents, field)) for field in latents._fields if field != "parts"]


def label(world, tokens_L, latent, place):
    if isinstance(world, BlockStationary):
        return latent["regime_L"][place] if latent["age_L"][place] > 0 else -1
    if isinstance(world, Facts):
        came = place > 0 and tokens_L[place - 1] < world.facts
        return tokens_L[place - 1] if came else -1
    if isinstance(world, Quanta):
        begins = np.flatnonzero(tokens_L[:place] < world.tasks)
        return tokens_L[begins[-1]] if len(begins) and tokens_L[place] >= world.tasks else -1
    if isinstance(world, CopySpans):
        return latent["age_L"][place] - world.span - world.gaps[latent["gap_L"][place]] if source(latent, place) else -1
    if isinstance(world, Grammar):
        return latent["symbol_LN"][place, 0] if latent["place_L"][place] % world.branching else -1
    if isinstance(world, HiddenMarkov):
        return latent["state_L"][place]
    return latent["regime" if isinstance(world, OneRegime) else "part"]


def source(latent, place):
    return latent["source_L"][place] >= 0


WORLDS = [
    BlockStationary(vocabulary=4, regimes=3, block_length=4),
    BlockStationary(vocabulary=4, regimes=3, block_length=4, lengths="geometric", phase="uniform"),
    BlockStationary(vocabulary=4, regimes=3, block_length=4, boundaries="announced"),
    OneRegime(vocabulary=4, regimes=3),
    Mixture.exhibit(),
    Facts(facts=5, answers=3, phase="uniform"),
    Quanta(tasks=3, bits=2, subset=1, phase="uniform"),
    CopySpans(vocabulary=4, span=3, gaps=(1, 2), phase="uniform"),
    Grammar.exhibit(),
    HiddenMarkov.exhibit(),
]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: type(world).__name__)
def test_labels_are_those_of_a_walk(world):
    shared, found = shown(world)
    np.testing.assert_array_equal(found.label_BL, slow(world, shared))


def test_a_label_from_the_first_token_on_is_the_liar():
    """At the first token of a block its regime says nothing of what stands before; one token later it does."""
    world = BlockStationary(vocabulary=6, regimes=2, block_length=4, order=0, concentration=0.1)
    shared, found = shown(world, sequences=400)
    regime_BL, before_BL = shared.latents.regime_L, shared.tokens_BL

    def dependence(place):
        table = np.zeros((2, 6))
        np.add.at(table, (regime_BL[:, place], before_BL[:, place - 1]), 1)
        return np.abs(table[0] / table[0].sum() - table[1] / table[1].sum()).sum() / 2

    assert (found.label_BL[:, 4] == -1).all()
    assert dependence(4) < 0.2 < 0.5 < dependence(5)


def test_noise_and_copies_are_looked_through():
    base = Facts(facts=5, answers=3)
    for world in (Noisy(base=base, sigma=0.3), Inflated(base=base, factor=2), Noisy(base=base, sigma=1.0)):
        shared, found = shown(world)
        latents = shared.latents.base if isinstance(world, Noisy) else shared.latents
        np.testing.assert_array_equal(found.label_BL, latents.fact_L)
        assert found.groups == 5
    with pytest.raises(ValueError, match="iid hides nothing"):
        shown(Noisy(base=Iid(vocabulary=2), sigma=0.1))


def test_windows_are_the_same_with_and_without_latents():
    """Tokens are the draws that they always were: keys of the evaluation stream, one a window."""
    for world in (WORLDS[0], Noisy(base=Facts(facts=5, answers=3), sigma=0.3)):
        shared = reference(world, sequences=6, length=LENGTH, seed=4)
        key_B = jax.random.split(keys.stream(4, "evaluation"), 6)
        tables = jax.tree.map(jnp.asarray, world.tables())
        drawn = jax.jit(jax.vmap(lambda key: world.sample(tables, key=key, length=LENGTH)[0]))  # noqa: B023
        np.testing.assert_array_equal(shared.tokens_BL, drawn(key_B))
    bare = Reference(shared.tokens_BL, shared.logp_BLV)
    assert bare.latents is None
    with pytest.raises(ValueError, match="without their latents"):
        pattern(world, bare)
