"""The entropies of any source that is a finite hidden Markov chain."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
from jaxtyping import Array, Float, Key

from testbed.laws import record, simplex
from testbed.laws.entropies import bounded, conditional, monte_carlo, narrowing
from testbed.laws.entropies.conditional import Curve
from testbed.laws.machines import edge_filter, finite, mixed_states, rate_equations
from testbed.laws.machines.edge_filter import Edges
from testbed.laws.machines.finite import Machine
from testbed.laws.machines.mixed_states import Walk
from testbed.laws.record import Absent, Budget, Quantity, Truth
from testbed.laws.source import Source

NARROW, FAR = 1e-9, 64
RATE_WINDOW, FREE_EDGES = 128, 2**6
"""Tokens of a window; edges of a machine whose tokens count as one each, those of larger ones as more."""


def truth(source: Source, length: int, budget: Budget, *, oracle: Quantity | Absent | None = None) -> Truth:
    """Return the entropies of a source that has a `Machine`, over windows of `length` tokens.

    h_t is a sum over contexts, of which those that say the same of the state count as one: exact as far as
    `budget.contexts` of them suffice. Beyond, where the source is stationary, h_t lies between the lower bound of the
    rate and the last exact h_t; where it is not, or where Monte Carlo is expected to give less width, h_t is sampled.
    The rate of a unifilar machine is a closed form, and where finitely many beliefs follow a known state a sum over
    these; any other lies between H(X_L | X_<L, state before X_1) and H(X_L | X_<L), summed or, if less wide, sampled.
    With `budget.width`, the sums are taken on until the interval is as narrow as asked, and sampled if these are
    expected to get there and the sums do not. The oracle, unless given, is the entropy of a token given the state
    before it.

    Error: see `Walk`; Monte Carlo as in `Curve`. ValueError if `budget.width` is out of reach.
    """
    record.check_length(length)
    machine = source.machine()
    if isinstance(machine, Absent):
        raise TypeError(f"{type(source).__name__} is no finite machine ({machine.reason}); use `conditional` instead.")
    finite.check_lasting(machine)
    upper = Walk(machine, mixed_states.unknown(machine.stationary_S))
    windows = upper if source.stationary else Walk(machine, mixed_states.unknown(machine.initial_S))
    whole = windows.reach(length, budget.contexts)
    bounds, price = _bounds(machine, upper, budget, wanted=length if source.stationary and not whole else 0)
    whole = len(windows.positions) >= length
    _check_reach(upper, bounds, price, budget, wanted=0 if whole else length)
    wide = windows.positions[-1].high - bounds.low
    if whole or (source.stationary and _suffices(wide, windows, budget, _affordable(machine, budget) // length)):
        curve = _positions(windows, bounds.low, length)
        epsilon = _mean(curve)
    else:
        samples = _sampled(source, machine, length, budget, windows)
        curve, epsilon = samples.positions(), samples.mean(np.full(length, 1 / length))
    rate = bounds if bounds.method == "closed form" else _narrowest(source, machine, upper, bounds, length, budget)
    record.check("the rate", rate, budget, price=price)
    known = _given_state(machine) if oracle is None else oracle
    found = Truth(length=length, curve=curve, epsilon=epsilon, rate=rate, oracle=known)
    return bounded.settled(source, found, budget)


def unifilar(machine: Machine) -> bool:
    """Return whether state and token always fix the next state, in the long run."""
    taken_E = (machine.probability_E > 0) & (machine.stationary_S[machine.origin_E] > 0)
    step_EX = np.stack([machine.origin_E, machine.symbol_E, machine.target_E], 1)[taken_E]
    return len(np.unique(step_EX, axis=0)) == len(np.unique(step_EX[:, :2], axis=0))


def _given_state(machine: Machine) -> Quantity:
    """Return the long-run entropy of a token given the state before it."""
    value = float(machine.stationary_S @ simplex.entropy(finite.emissions(machine)))
    return record.rounded(value, 4.0 * len(machine.stationary_S) ** 2 + machine.symbols)


def _bounds(machine: Machine, upper: Walk, budget: Budget, *, wanted: int) -> tuple[Quantity, str]:
    """Return the entropy rate, a closed form or between bounds as close as affordable, and what closer ones would cost.

    With a closed form, or where finitely many beliefs follow a known state, the upper walk is taken on only if a width
    is asked for, and as far as the curve needs it, up to the position `wanted`.
    """
    closed, given_state = unifilar(machine), _given_state(machine)
    if closed and (budget.width is None or not wanted):
        return given_state, ""
    states = len(machine.stationary_S)
    if states**2 > mixed_states.LARGEST_NUMBERS:
        upper.reach(FAR, budget.contexts, narrowing.RATE_WORK)
        most = f"at most {mixed_states.LARGEST_NUMBERS} are held"
        price = f"a closer lower bound would take a belief for each of {states} states, {states**2} numbers: {most}"
        return given_state if closed else _bracket(given_state.low, upper.positions[-1].high), price
    lower, price = Walk(machine, mixed_states.known(machine.stationary_S)), ""
    ceiling = given_state.high if closed else rate_equations.ceiling(machine)
    if ceiling is not None:
        narrowing.approached(lower, ceiling)
        upper.reach(1, budget.contexts)
    if ceiling is None or (budget.width is not None and wanted):
        until = math.inf if ceiling is None else wanted
        limits: dict[str, Any] = {"contexts": budget.contexts, "work": narrowing.RATE_WORK, "until": until}
        price = narrowing.narrowed(upper, lower, budget, **limits)
    if closed:
        return given_state, price
    low, high = lower.positions[-1].low, upper.positions[-1].high
    if ceiling is None or high <= ceiling:
        return _bracket(low, high), price
    found = _bracket(low, max(low, ceiling))
    return (msgspec.structs.replace(found, method="enumeration") if found.width <= NARROW else found), price


def _check_reach(upper: Walk, bounds: Quantity, price: str, budget: Budget, *, wanted: int) -> None:
    """Refuse a width that contexts did not reach, and that samples are not expected to reach either.

    It may be that of the rate or, if that is known, of the position `wanted`.
    """
    if not price or budget.width is None:
        return
    found = _bracket(bounds.low, upper.positions[-1].high)
    if found.width <= budget.width:
        return
    excess = _expected(upper, budget.tokens // 2) / budget.width  # as if positions were independent
    if excess > 1:
        least = record.large(record.log10_tokens(budget, excess))
        sampling = f"sampling would take at least tokens={least}, in windows so long that its bounds meet"
        name = f"h_{wanted}" if wanted and bounds.width <= budget.width else "the rate"
        record.check(name, found, budget, price=f"{price}; {sampling}")


def _expected(walk: Walk, rows: int) -> float:
    """Return how wide an interval that many samples are expected to leave."""
    return monte_carlo.expected(walk.positions[-1].deviation, rows, conditional.all_of(walk.machine.symbols))


def _suffices(width: float, walk: Walk, budget: Budget, rows: int) -> bool:
    """Return whether an interval is as narrow as asked, or as that many samples are expected to give.

    Fewer than `monte_carlo.FEWEST` samples do not tell their own error.
    """
    expected = _expected(walk, rows) if rows >= monte_carlo.FEWEST else math.inf
    return width <= (max(expected, NARROW) if budget.width is None else budget.width)


def _positions(windows: Walk, low: float, length: int) -> tuple[Quantity, ...]:
    """Return h_t one by one as far as known, then the interval between the bound of the rate and the last of them."""
    known = windows.positions[:length]
    exact = tuple(record.bracketed(each.low, each.high, method="enumeration") for each in known)
    return exact + (_bracket(low, exact[-1].high),) * (length - len(exact))


def _mean(positions: tuple[Quantity, ...]) -> Quantity:
    """Return the mean of quantities none of which is sampled."""
    low, high = (float(np.mean([getattr(each, end) for each in positions])) for end in ("low", "high"))
    return record.bracketed(low, high, method=positions[-1].method)


def _bracket(low: float, high: float) -> Quantity:
    return record.bracketed(low, high, method="certified interval")


def _affordable(machine: Machine, budget: Budget) -> int:
    """Return the tokens to sample of a machine, fewer of one with more edges, as each token takes all of them."""
    return int(budget.tokens / max(1.0, len(machine.origin_E) / FREE_EDGES))


def _sampled(source: Source, machine: Machine, length: int, budget: Budget, windows: Walk) -> Curve:
    """Return the curve with its first positions as the walk gives them."""
    least = msgspec.structs.replace(budget, contexts=1, tokens=max(1, _affordable(machine, budget)))
    curve = conditional.curve(type(source), source.tables(np.float64), length, least)
    known = windows.positions[:length]
    operations = math.ceil(max(each.error for each in known) / record.UNIT_ROUNDOFF)
    return curve._replace(exact_T=np.array([each.entropy for each in known]), operations=operations)


def _narrowest(
    source: Source, machine: Machine, upper: Walk, bounds: Quantity, length: int, budget: Budget
) -> Quantity:
    """Return the rate between its bounds, or if that is less wide between two Monte Carlo means.

    The means estimate the same two bounds over the later half of windows of RATE_WINDOW tokens or more.
    """
    window = max(length, RATE_WINDOW)
    rows = _affordable(machine, budget) // window
    if _suffices(bounds.width, upper, budget, rows):
        return bounds
    tables = edge_filter.tables_of(machine._replace(initial_S=machine.stationary_S), np.float64)
    ends_BX = conditional.sampled(_ends, type(source), tables, (rows, window, machine.symbols), budget)
    low, high = monte_carlo.means(ends_BX, conditional.all_of(machine.symbols))
    between = record.between(low, high, least=bounds.low)
    return between if between.error < bounds.error else bounds


def _ends(_: type[Source], length: int, tables: Any, key: Key[Array, ""]) -> Float[Array, "2"]:
    """Return the mean entropies over the later half of one window, with and without the state before it."""
    edges: Edges = jax.tree.map(jnp.asarray, tables)
    tokens_L, state_L = edge_filter.sampled(edges, key=key, length=length)
    informed = edges._replace(initial_S=jnp.zeros_like(edges.initial_S).at[state_L[0]].set(1))
    rows_LV = (edge_filter.predicted(each, tokens_L)[length // 2 :] for each in (informed, edges))
    return jnp.stack([conditional.entropy(each_LV).mean() for each_LV in rows_LV])
