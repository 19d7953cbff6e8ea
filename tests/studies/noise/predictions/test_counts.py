"""Counts before a query, against every window there is; a world that forgets its query is told apart."""

import functools

import jax
import numpy as np
import pytest

from testbed.sources import (
    Absent,
    BlockStationary,
    DirichletBlocks,
    Facts,
    Iid,
    InContextMarkov,
    Markov,
    Mixture,
    Noisy,
    OneRegime,
    Polya,
)
from testbed.studies.noise.predictions.counts import counts
from testbed.studies.noise.predictions.runs import MOST_LAGS, runs

LENGTH = 7
ROWS = ((0.7, 0.2, 0.1), (0.1, 0.3, 0.6), (0.5, 0.25, 0.25))
CHAIN = Markov(vocabulary=3, rows=ROWS)
REGIMES = {"vocabulary": 3, "regimes": 2, "concentration": 1.0, "prior": (0.3, 0.7)}
POWER = {"block_length": 4, "lengths": "power_law", "tail": 1.5, "longest": 8192, "phase": "uniform"}
WORLDS = {
    "iid": Iid(vocabulary=3, zipf=1.0),
    "markov": CHAIN,
    "periodic": Markov(vocabulary=3, rows=((0.0, 0.5, 0.5), (1.0, 0.0, 0.0), (1.0, 0.0, 0.0))),
    "noisy": Noisy(base=CHAIN, sigma=0.3),
    "one regime": OneRegime(order=0, **REGIMES),
    "one chain": OneRegime(order=1, **REGIMES),
    "mixture": Mixture(parts=(CHAIN, BlockStationary(order=0, block_length=2, **REGIMES)), weights=(0.4, 0.6)),
    "polya": Polya(vocabulary=3, weights=(0.5, 1.0, 2.0)),
    "blocks": BlockStationary(order=0, block_length=4, **REGIMES),
    "blocks that divide the window": BlockStationary(order=0, block_length=3, **REGIMES),
    "blocks of chains": BlockStationary(order=1, block_length=4, **REGIMES),
    "blocks of one": BlockStationary(order=0, block_length=1, **REGIMES),
    "met anywhere": BlockStationary(order=0, block_length=4, phase="uniform", **REGIMES),
    "chains met anywhere": BlockStationary(order=1, block_length=3, phase="uniform", **REGIMES),
    "geometric": BlockStationary(order=0, block_length=4, lengths="geometric", **REGIMES),
    "power law": BlockStationary(order=0, **POWER, **REGIMES),
    "growing": BlockStationary(order=0, block_share=0.4, **REGIMES),
    "growing chains": BlockStationary(order=1, block_share=0.6, **REGIMES),
    "drawn laws": DirichletBlocks(vocabulary=3, block_length=4),
    "drawn laws that grow": DirichletBlocks(vocabulary=3, block_share=0.4),
    "drawn laws of a power law": DirichletBlocks(vocabulary=3, **POWER),
    "drawn laws met anywhere": DirichletBlocks(vocabulary=3, block_length=3, phase="uniform"),
}


@functools.cache
def enumerated(world, length=LENGTH):
    """P(last token), and mean and covariance of the counts of length−1 tokens given the last, from every window."""
    world, symbols = world.for_window(length), world.alphabet
    tokens_BL = np.indices((symbols,) * (length - 1)).reshape(length - 1, -1).T.astype(np.int32)
    with jax.enable_x64(True):
        tables = world.tables(np.float64)
        logp_BLV = np.asarray(jax.jit(jax.vmap(lambda tokens_L: world.log_predictive(tables, tokens_L)))(tokens_BL))
    chance_B = np.exp(np.take_along_axis(logp_BLV, tokens_BL[..., None], 2)[..., 0].sum(1))
    count_BV = (tokens_BL[..., None] == np.arange(symbols)).sum(1)
    law_V = np.array([chance_B[tokens_BL[:, -1] == last].sum() for last in range(symbols)])
    mean_VV, second_VV = np.zeros((symbols, symbols)), np.zeros((symbols, symbols))
    for last in range(symbols):
        share_B = np.where(tokens_BL[:, -1] == last, chance_B, 0.0)
        mean_VV[last] = share_B @ count_BV / law_V[last]
        off_BV = count_BV - mean_VV[last]
        second_VV += (share_B[:, None] * off_BV).T @ off_BV
    return law_V, mean_VV, second_VV


def put_together(cases):
    """The same from cases: the total is what is within each of them and between them."""
    chance_CV, mean_CVV = (np.stack([getattr(case, name) for case in cases]) for name in ("chance_V", "mean_VV"))
    law_V = chance_CV.sum(0)
    share_CV = chance_CV / law_V
    mean_VV = np.einsum("cq,cqv->qv", share_CV, mean_CVV)
    off_CVV = mean_CVV - mean_VV
    within_VV = sum(case.covariance_VV * case.chance_V.sum() for case in cases)
    return law_V, mean_VV, within_VV + np.einsum("cq,cqv,cqw->vw", chance_CV, off_CVV, off_CVV)


def agrees(found, world):
    return all(np.allclose(a, b, atol=1e-10) for a, b in zip(found, enumerated(world), strict=True))


@pytest.mark.parametrize("name", WORLDS)
def test_counts_are_those_of_all_windows(name):
    world = WORLDS[name]
    longer, (cases,) = counts(world, [LENGTH + 20, LENGTH])[0], counts(world, [LENGTH])
    assert agrees(put_together(cases), world)
    assert not isinstance(longer, Absent)
    assert all(case.error == 0 for case in cases)
    assert not agrees(forgets_the_query(world, cases), world)


def forgets_the_query(world, cases):
    """The liar whose last token says nothing of the others."""
    law_V, mean_VV, covariance_VV = put_together(cases)
    mean_V = law_V @ mean_VV
    off_VV = mean_VV - mean_V
    return law_V, np.tile(mean_V, (len(law_V), 1)), covariance_VV + (law_V[:, None] * off_VV).T @ off_VV


def test_many_lengths_at_once_are_one_by_one():
    together = counts(CHAIN, [3, LENGTH, 500])
    for n, (case,) in zip([3, LENGTH, 500], together, strict=True):
        (alone,) = counts(CHAIN, [n])[0]
        for name in ("mean_VV", "covariance_VV"):
            np.testing.assert_allclose(getattr(case, name), getattr(alone, name), rtol=1e-8, atol=1e-8)
    assert 0 < together[2][0].error < 1e-6


@pytest.mark.parametrize(("name", "laid_out"), [("blocks", 10), ("blocks of chains", 10), ("growing", 6)])
def test_too_many_regimes_to_lay_out_are_one_case_with_the_same_total(name, laid_out, monkeypatch):
    few = counts(WORLDS[name], [20])[0]
    monkeypatch.setattr("testbed.studies.noise.predictions.counts.MOST_SEQUENCES", 1)
    one = counts(WORLDS[name], [20])[0]
    assert len(few) == laid_out and len(one) == 1
    assert one[0].settles == (name != "growing"), "a number of blocks that stays does not average out"
    for a, b in zip(put_together(few), put_together(one), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def test_worlds_that_settle_say_so():
    settles = {name: all(case.settles for case in counts(world, [LENGTH])[0]) for name, world in WORLDS.items()}
    assert {name for name, each in settles.items() if not each} == {
        "polya",
        "power law",
        "drawn laws that grow",
        "drawn laws of a power law",
    }


def test_what_cannot_be_counted_says_why():
    announced = BlockStationary(order=0, block_length=4, boundaries="announced", **REGIMES)
    worlds = {
        "begin at a boundary": [Facts.exhibit(), announced, Noisy(base=announced, sigma=0.1)],
        "depends on their length": [BlockStationary(order=0, block_share=0.5, lengths="geometric", **REGIMES)],
    }
    for reason, each in worlds.items():
        for world in each:
            (found,) = counts(world, [LENGTH])
            assert isinstance(found, Absent) and reason in found.reason, world
    (found,) = runs(InContextMarkov(vocabulary=3), [LENGTH])
    assert isinstance(found, Absent) and "random matrices" in found.reason


def test_slow_correlations_are_not_added_for_ever():
    slow = BlockStationary(order=1, **POWER, **REGIMES)
    short, long = runs(slow, [10, MOST_LAGS + 1])
    assert not isinstance(short, Absent)
    assert isinstance(long, Absent) and "fade slowly" in long.reason
