"""The entropies of copied spans."""

from typing import Any

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
from jaxtyping import Array, Float, Key

from testbed.laws import record, simplex
from testbed.laws.entropies import bounded, conditional, monte_carlo, of_machine
from testbed.laws.entropies.conditional import Curve
from testbed.laws.entropies.monte_carlo import Span
from testbed.laws.record import Absent, Budget, Quantity, Truth
from testbed.laws.source import Source
from testbed.sources.copy_spans import kernel
from testbed.sources.copy_spans.fields import Fields
from testbed.sources.copy_spans.kernel import Evidence

EPISODES, FEW_STATES = 8, 64


def truth(source: Fields, length: int, budget: Budget) -> Truth:
    """Return the entropies over windows of `length` tokens."""
    fresh, operations = float(simplex.entropy(source.fresh_law())), 4.0 * source.vocabulary
    oracle = record.rounded(fresh * (1 - len(source.gaps) * source.span / sum(source.lengths())), operations)
    if len(source.gaps) == 1 and not source.stationary:
        age_L = np.arange(length) % source.lengths()[0]
        values = np.where(age_L < source.span + source.gaps[0], fresh, 0.0)
        curve = tuple(record.rounded(float(value), operations) for value in values)
        epsilon = record.rounded(float(values.mean()), operations)
        return Truth(length=length, curve=curve, epsilon=epsilon, rate=oracle, oracle=oracle)
    found = _by_machine(source, length, budget, oracle) or _by_sampling(source, length, budget, oracle)
    return bounded.settled(source, found, budget)


def _by_machine(source: Fields, length: int, budget: Budget, oracle: Quantity) -> Truth | None:
    """Return the entropies by sums over beliefs, where the machine is so small that they beat sampling, or must."""
    machine = source.machine()
    if isinstance(machine, Absent) or (len(machine.initial_S) > FEW_STATES and budget.width is None):
        return None
    found = of_machine.truth(source, length, budget, oracle=oracle)
    rate = oracle if len(source.gaps) == 1 else found.rate
    return msgspec.structs.replace(found, rate=rate)


def _by_sampling(source: Fields, length: int, budget: Budget, oracle: Quantity) -> Truth:
    """Return the entropies by the filter."""
    curve = _curve_of(source, length, budget)
    rate = oracle if len(source.gaps) == 1 else _rate(source, length, budget, oracle)
    epsilon = curve.mean(np.full(length, 1 / length))
    return Truth(length=length, curve=curve.positions(), epsilon=epsilon, rate=rate, oracle=oracle)


def _curve_of(source: Fields, length: int, budget: Budget) -> Curve:
    """Return h_t; what stands before the first possible repetition within the window is as if all were fresh."""
    kind, tables, known = type(source), source.tables(np.float64), min(length, source.span + min(source.gaps))
    if known < conditional.depth(source.alphabet, length, budget):
        return conditional.curve(kind, tables, length, budget)
    exact_T = np.full(known, float(simplex.entropy(source.fresh_law())))
    if known == length:
        return conditional.exactly(exact_T, 4 * source.vocabulary)
    sampled = conditional.curve(kind, tables, length, msgspec.structs.replace(budget, contexts=1))
    return sampled._replace(exact_T=exact_T, operations=4 * source.vocabulary)


def _rate(source: Fields, length: int, budget: Budget, oracle: Quantity) -> Quantity:
    """Return the rate: gaps add at most ln G nats per episode to the oracle; sampled bounds if they say more.

    Those are means over the later half of long windows of the stationary process: h_t, and the same entropy for one
    who knows gap and age at some position before, and all tokens that can still be repeated after it.
    """
    most = float(np.log(len(source.gaps))) * len(source.gaps) / sum(source.lengths())
    tables = msgspec.structs.replace(source, phase="uniform").tables(np.float64)
    window = max(length, EPISODES * max(source.lengths()))
    shape = (monte_carlo.count(budget.tokens, window), window, source.alphabet)
    told_GA = _told(source)
    ends_BX = most + conditional.sampled(_excess, type(source), (tables, told_GA), shape, budget)
    span = Span(most - float(told_GA.max()), most + float(np.log(len(source.gaps) + 1)))
    added = record.between(*monte_carlo.means(ends_BX, span))
    least, largest = oracle.low + max(added.low, 0.0), oracle.high + min(added.high, most)
    if least > largest:
        certain = record.bracketed(oracle.low, oracle.high + most, method="certified interval")
        record.check("the rate", certain, budget, price=f"tokens={budget.tokens} are too few to sample it: allow more")
        return certain
    found = record.bracketed(least, largest, method="Monte Carlo")
    return msgspec.structs.replace(found, gap=min(added.gap, largest - least))


def _told(source: Fields) -> Float[np.ndarray, "G A"]:
    """Return what each token would tell of the gap if every token showed whether it is a repetition: ln G in all."""
    told_GA = np.zeros((len(source.gaps), max(source.lengths())))
    for left, gap in enumerate(sorted(source.gaps, reverse=True), 1):
        for own in range(len(source.gaps)):
            if source.gaps[own] >= gap:
                chance = 1 / left if source.gaps[own] == gap else 1 - 1 / left
                told_GA[own, source.span + gap] = -np.log(chance)
    return told_GA


def _excess(_: type[Source], length: int, tables: Any, key: Key[Array, ""]) -> Float[Array, "2"]:
    """Return two mean entropies over the later half of one window, less what the oracle and `_told` would add up to.

    They are the entropies of one who knows gap and age at a position before, and of one who does not. What is taken
    off, given the same tokens, has a known mean, and leaves little to vary. A token is fresh or repeats one of as many
    as there are gaps, so that the difference lies between -max `_told` and ln (gaps + 1), as entropy is concave.
    """
    law, told_GA = jax.tree.map(jnp.asarray, tables)
    tokens_L, latents = kernel.sampled(law, key, length)
    begin = law.start_GA.shape[1]
    known_GA = jnp.zeros_like(law.start_GA).at[latents.gap_L[begin], latents.age_L[begin]].set(1)
    usual_GA = conditional.entropy(jnp.log(law.law_V)[None])[0] * (1 - law.repeats_GA) + told_GA

    def step(log_belief_GA: Float[Array, "G A"], seen: Evidence) -> tuple[Float[Array, "G A"], Float[Array, ""]]:
        entropy = conditional.entropy(kernel.mixed(law, log_belief_GA, seen)[None])[0]
        return kernel.updated(law, log_belief_GA, seen), entropy - (jnp.exp(log_belief_GA) * usual_GA).sum()

    starts = (jnp.log(known_GA), begin), (jnp.log(law.start_GA), 0)
    evidence = kernel.evidence(law, tokens_L)
    later = [jax.tree.map(lambda each, first=first: each[first:], evidence) for _, first in starts]
    found = [jax.lax.scan(step, start_GA, seen)[1] for (start_GA, _), seen in zip(starts, later, strict=True)]
    return jnp.stack([excess_T[-(length // 2) :].mean() for excess_T in found])
