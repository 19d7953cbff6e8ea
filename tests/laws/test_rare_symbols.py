"""Law: what is too rare for chance to show is drawn as often as its law says, in every world."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

from testbed.ground import catalog
from testbed.laws.kernels import sampling
from testbed.sources import (
    BlockStationary,
    CopySpans,
    Facts,
    Grammar,
    HiddenMarkov,
    Iid,
    Inflated,
    Markov,
    Mixture,
    Noisy,
    OneRegime,
    Polya,
    Quanta,
    TimeReversed,
)
from tests.laws.test_sampling import ONE, RARE, chance
from tests.sources.worlds import family, label

FAINT = (1 - 3e-12, 1e-12, 2e-12)
ROWS = (FAINT,) * 3
LAST = [
    Iid(vocabulary=3, weights=FAINT),
    Markov(vocabulary=3, rows=ROWS),
    OneRegime(vocabulary=3, regimes=2, order=0, laws=((FAINT,), (FAINT,))),
    BlockStationary(vocabulary=3, regimes=2, block_length=3, laws=(ROWS, ROWS)),
    HiddenMarkov(transitions=tuple(((each,),) for each in FAINT)),
]
"""Worlds of independent tokens, whose rare symbols share the last 3e-12 of all random numbers."""


def check_last(tokens_BL):
    """Random numbers all of whose first 32 bits are set: the rare symbols are 1e-12·2^32 and 2e-12·2^32 of them."""
    expected_V = np.array([1 - 3e-12 * 2**32, 1e-12 * 2**32, 2e-12 * 2**32]) * tokens_BL.size
    observed_V = np.bincount(np.asarray(tokens_BL).reshape(-1), minlength=3)
    assert chi2.sf(((observed_V - expected_V) ** 2 / expected_V).sum(), 2) > 1e-4


@pytest.mark.parametrize("world", LAST, ids=label)
def test_symbols_too_rare_for_chance_are_drawn_as_often_as_told(world, monkeypatch):
    words = sampling.words

    def last(key, shape, dtype):
        return words(key, shape, dtype)._replace(high=jnp.full(shape, 2**32 - 1, jnp.uint32))

    monkeypatch.setattr(sampling, "words", last)
    sample = jax.vmap(lambda key: world.sample(world.tables(), key=key, length=8)[0])
    check_last(sample(jax.random.split(jax.random.key(0), 20_000)))


def test_the_law_rejects_uniforms_in_float32():
    with pytest.raises(AssertionError):
        check_last(np.zeros(160_000, np.int32))


PLANTED = [
    *LAST,
    Mixture(parts=(Iid(vocabulary=2), Iid(vocabulary=2, weights=(0.1, 0.9))), weights=(1 - 1e-12, 1e-12)),
    Noisy(base=Iid(vocabulary=2), sigma=1e-12),
    TimeReversed(base=LAST[1]),
    Inflated(base=LAST[0], factor=2),
    Facts(facts=4, answers=2, zipf=0.0, confusion=1e-12),
    Quanta(tasks=2, alpha=39.0, bits=4, subset=2),
    CopySpans(vocabulary=2, span=3, gaps=(0, 2), zipf=40.0),
    Grammar(vocabulary=2, depth=2, rules=2, branching=2, zipf=40.0),
]
"""Urns have a test of their own, and blocks of urns draw their ends as all blocks do."""


def check_told(tables, law):
    """Some law for draws holds this probability, to 2^-64."""
    assert any(abs(each - Fraction(law)) <= ONE / 2**64 for row in told_laws(tables) for each in row)


def told_laws(tables):
    """Every law for draws among tables, as exact probabilities."""
    kinds = sampling.Cuts, sampling.Chance
    for leaf in jax.tree.leaves(tables, is_leaf=lambda each: isinstance(each, kinds)):
        if isinstance(leaf, kinds):
            symbols = leaf[0].shape[-1] if isinstance(leaf, sampling.Cuts) else 1
            rows = (np.reshape(each, (-1, symbols)) for each in leaf)
            yield from (chance(sampling.Cuts(*row)) for row in zip(*rows, strict=True))


@pytest.mark.parametrize("world", PLANTED, ids=label)
def test_every_family_holds_rare_probabilities_for_its_draws(world):
    faint = isinstance(world, CopySpans | Grammar | Quanta)
    check_told(world.tables(), 2**-40 / (1 + 2**-40) if faint else 1e-12)


def by_floats(tables, *, key, length):
    """A liar: a sampler that compares with uniforms."""
    return (jax.random.uniform(key, (length,), jnp.float32) < 0.5).astype(jnp.int32), None


def check_words(sample, tables):
    text = str(jax.make_jaxpr(lambda key: sample(tables, key=key, length=4)[0])(jax.random.key(0)))
    assert "random_bits" in text and "bitcast_convert_type" not in text, "a uniform is drawn as a float"


@pytest.mark.parametrize("name", catalog.shelf("testbed.sources"))
def test_no_sampler_of_the_shelf_draws_floats(name):
    world = family(name).EXAMPLES[0]
    check_words(world.sample, world.tables())


def test_the_law_rejects_a_sampler_that_draws_floats():
    with pytest.raises(AssertionError, match="drawn as a float"):
        check_words(by_floats, None)


def check_within(world, length, unit=2.0**-64):
    """What draws may add to ε: to the entropy of each, and through the tokens that others are predicted from."""
    symbols, tokens = world.alphabet, 2 ** length.bit_length() * 4 if isinstance(world, Polya) else 1
    off = symbols * tokens * unit
    added = off * (1 - np.log(off / symbols)) + length * off * np.log(symbols)
    assert added <= world.truth(length).epsilon.error


@pytest.mark.parametrize(
    "world",
    [Iid(vocabulary=3, weights=RARE), Markov(vocabulary=8), Facts(facts=64, answers=4), Polya(vocabulary=8)],
    ids=label,
)
def test_the_error_of_epsilon_holds_what_draws_are_off_by(world):
    """Draws by uniforms in float32, off by 2^-24, would not be in it."""
    check_within(world, 64)
    with pytest.raises(AssertionError):
        check_within(world, 64, unit=2.0**-24)
