"""How often each symbol comes before the last query: without positions, all that the first layer's attention sees."""

import collections
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.sources import Absent, BlockStationary, DirichletBlocks, Iid, Markov, Mixture, OneRegime, Polya, Source
from testbed.sources.mixture.parts import present
from testbed.studies.noise.predictions.runs import Run, runs
from testbed.theory.laws import averaged

MOST_SEQUENCES = 2**10
"""Sequences of regimes that are laid out one by one."""


class Counts(NamedTuple):
    """Counts of the n−1 tokens before a query, in one of the cases that a window may be (a regime, say).

    Means are given the last token, a row for each; covariances given the last token are averaged over it.
    """

    chance_V: Float[np.ndarray, " V"]
    """Joint probability of this case and of each last token."""
    mean_VV: Float[np.ndarray, "V V"]
    covariance_VV: Float[np.ndarray, "V V"]
    error: float
    """Bound on the nuclear norm of what was left out of the covariance."""
    settles: bool
    """Whether shares of counts tend to one law, with a variance of order 1/n."""


def counts(world: Source, lengths: Sequence[int]) -> list[list[Counts] | Absent]:
    """Return for each n the cases that a window may be, with their counts.

    One regime for ever and mixtures are laid out by regime, and fixed hidden blocks that begin with the window by the
    sequence of their regimes where these are few, hence also where blocks grow with the window. All else is one case.

    Error: that of `runs.runs`.
    """
    parts = _parts(world)
    if parts:
        each = [(weight, counts(part, lengths)) for weight, part in parts]
        return [_side_by_side([(weight, found[at]) for weight, found in each]) for at in range(len(lengths))]
    lasting = world.for_window(1) is world
    blocks = [_blocks(world.for_window(n)) for n in lengths]
    if all(blocks):
        return [_in_blocks(each, n - 1, lasting) for each, n in zip(blocks, lengths, strict=True) if each is not None]
    if not lasting or not _begins_anywhere(world):
        return [Absent("windows of this world begin at a boundary, or its law depends on their length")] * len(lengths)
    settles = _settles(world)
    return [
        run if isinstance(run, Absent) else [_case(1.0, [], run, settles)]
        for run in runs(world, [n - 1 for n in lengths])
    ]


def _parts(world: Source) -> list[tuple[float, Source]]:
    """Return the sources of which a window keeps to one, with their probabilities."""
    if isinstance(world, Mixture):
        return list(zip(world.probabilities().tolist(), world.parts, strict=True))
    if isinstance(world, OneRegime):
        return list(zip(world.regime_prior().tolist(), _components(world), strict=True))
    return []


def _components(world: OneRegime | BlockStationary) -> list[Source]:
    symbols = world.vocabulary
    if world.order == 0:
        return [Iid(vocabulary=symbols, weights=tuple(rows_UV[0].tolist())) for rows_UV in world.components()]
    return [Markov(vocabulary=symbols, rows=tuple(map(tuple, rows_UV.tolist()))) for rows_UV in world.components()]


def _side_by_side(found: list[tuple[float, list[Counts] | Absent]]) -> list[Counts] | Absent:
    cases: list[Counts] = []
    for weight, each in found:
        if isinstance(each, Absent):
            return each
        cases += [case._replace(chance_V=weight * case.chance_V) for case in each]
    return cases


class _Blocks(NamedTuple):
    """The source that every block is a window of, and how long blocks are."""

    source: Source
    length: int


def _blocks(world: Source) -> _Blocks | None:
    """Return what the blocks are, where they are hidden, of fixed length, and begin with the window."""
    if not isinstance(world, BlockStationary | DirichletBlocks) or world.announced:
        return None
    if (world.lengths, world.phase) != ("fixed", "aligned"):
        return None
    kind = OneRegime if isinstance(world, BlockStationary) else Polya
    return _Blocks(kind(**{name: getattr(world, name) for name in kind.__struct_fields__}), world.block_length)


def _in_blocks(blocks: _Blocks, tokens: int, settles: bool) -> list[Counts] | Absent:
    """Return the cases of whole blocks and a last one that ends at the query; one case settles as blocks grow many."""
    whole, sizes = (tokens - 1) // blocks.length, (blocks.length, (tokens - 1) % blocks.length + 1)
    if isinstance(blocks.source, OneRegime) and blocks.source.regimes ** (whole + 1) <= MOST_SEQUENCES:
        return _sequences(blocks.source, sizes, whole)
    found = present(runs(blocks.source, sizes))
    return found if isinstance(found, Absent) else [_case(1.0, [found[0]] * whole, found[1], settles)]


def _sequences(source: OneRegime, sizes: tuple[int, int], whole: int) -> list[Counts] | Absent:
    """Return a case for each way to choose the regimes, whatever the order of those before the last."""
    run_K2 = present(present(runs(part, sizes)) for part in _components(source))
    if isinstance(run_K2, Absent):
        return run_K2
    prior_K, regimes = source.regime_prior(), range(source.regimes)
    ways = collections.Counter(tuple(sorted(z)) for z in itertools.product(regimes, repeat=whole))
    cases: list[Counts] = []
    for (before, count), last in itertools.product(ways.items(), regimes):
        chance = count * math.prod(prior_K[[*before, last]].tolist())
        cases.append(_case(chance, [run_K2[z][0] for z in before], run_K2[last][1], True))
    return cases


def _case(chance: float, before: list[Run], last: Run, settles: bool) -> Counts:
    """Return the counts of independent runs, of which the last one ends at the query."""
    mean_VV, covariance_VV = last.given_end()
    return Counts(
        chance_V=chance * last.law_V,
        mean_VV=mean_VV + sum((run.mean_V for run in before), np.zeros_like(last.law_V))[None],
        covariance_VV=covariance_VV + sum((run.covariance_VV for run in before), np.zeros_like(covariance_VV)),
        error=last.error + sum(run.error for run in before),
        settles=settles,
    )


def _begins_anywhere(world: Source) -> bool:
    """Return whether every window has the law of one at a random moment; hidden ends by chance have no memory."""
    memoryless = isinstance(world, BlockStationary) and world.lengths == "geometric" and not world.announced
    return world.stationary or memoryless


def _settles(world: Source) -> bool:
    mixing = world.mixing()
    return not isinstance(mixing, Absent) and (averaged(mixing).slope == -1 or mixing.decay == "periodic")
