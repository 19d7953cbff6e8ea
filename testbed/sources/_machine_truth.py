"""The entropies of any source that is a finite hidden Markov chain."""

import math

import msgspec
import numpy as np

from testbed.sources import _curve, _laws, _machine, _mixed_states, _truth
from testbed.sources._curve import Curve
from testbed.sources._machine import Machine
from testbed.sources._mixed_states import Walk
from testbed.sources._source import Source
from testbed.sources._truth import Absent, Budget, Quantity, Truth

TIGHT = 1e-13
CURVE_WORK, RATE_WORK, WIDTH_WORK = 2**31, 2**25, 2**35


def truth(source: Source, length: int, budget: Budget, *, oracle: Quantity | Absent | None = None) -> Truth:
    """Return the entropies of a source that has a `Machine`, over windows of `length` tokens.

    h_t is a sum over contexts, of which those that say the same of the state count as one: exact as far as
    `budget.contexts` of them suffice. Beyond, where the source is stationary, h_t lies between the lower bound of the
    rate and the last exact h_t; where it is not, or where Monte Carlo is expected to give less width, h_t is sampled.
    The rate of a unifilar machine is a closed form; any other lies between H(X_L | X_<L, state before X_1) and
    H(X_L | X_<L). The oracle, unless given, is the entropy of a token given the state before it.

    Error: see `Walk`; Monte Carlo as in `Curve`. ValueError if `budget.width` is out of reach.
    """
    _truth.check_length(length)
    machine = source.machine()
    if isinstance(machine, Absent):
        raise TypeError(f"{type(source).__name__} is no finite machine ({machine.reason}); use `_curve` instead.")
    upper, lower = (
        Walk(machine, start(machine.stationary_S)) for start in (_mixed_states.unknown, _mixed_states.known)
    )
    windows = upper if source.stationary else Walk(machine, _mixed_states.unknown(machine.initial_S))
    whole = windows.reach(length, budget.contexts, CURVE_WORK)
    closed = unifilar(machine)
    if not closed or (budget.width is not None and source.stationary and not whole):
        _narrow(upper, lower, budget)
    given_state = _given_state(machine)
    rate = given_state if closed else _bracket(lower.positions[-1].low, upper.positions[-1].high)
    if not whole and not (source.stationary and _suffices(windows, rate.low, length, budget)):
        curve = _sampled(source, length, budget, windows)
        positions, epsilon = curve.positions(), curve.mean(np.full(length, 1 / length))
    else:
        positions = _positions(windows, rate.low, length)
        epsilon = _mean(positions)
    found = Truth(length=length, curve=positions, epsilon=epsilon, rate=rate, oracle=oracle or given_state)
    _truth.check_width(found, budget)
    return found


def unifilar(machine: Machine) -> bool:
    """Return whether state and token always fix the next state, in the long run."""
    taken_E = (machine.probability_E > 0) & (machine.stationary_S[machine.origin_E] > 0)
    step_EX = np.stack([machine.origin_E, machine.symbol_E, machine.target_E], 1)[taken_E]
    return len(np.unique(step_EX, axis=0)) == len(np.unique(step_EX[:, :2], axis=0))


def _given_state(machine: Machine) -> Quantity:
    """Return the long-run entropy of a token given the state before it."""
    value = float(machine.stationary_S @ _laws.entropy(_machine.emissions(machine)))
    return _truth.rounded(value, 4.0 * len(machine.stationary_S) ** 2 + machine.symbols)


def _narrow(upper: Walk, lower: Walk, budget: Budget) -> None:
    """Take both walks on until the rate lies between bounds that are close enough, or the budget is spent.

    Error: ValueError if a width is asked for and out of reach.
    """
    contexts, work = (budget.contexts, RATE_WORK) if budget.width is None else (math.inf, WIDTH_WORK)
    target = budget.width or 0.0
    widths: list[float] = []
    growing = True
    while growing:
        reached = [walk.reach(len(widths) + 1, contexts, work) for walk in (upper, lower)]
        widths.append(upper.positions[-1].high - lower.positions[-1].low)
        gap = upper.positions[-1].entropy - lower.positions[-1].entropy
        growing = any(reached) and gap > TIGHT and widths[-1] > target
    if budget.width is not None and widths[-1] > budget.width:
        raise ValueError(_too_wide(widths, upper.positions[-1].contexts, budget.width))


def _too_wide(widths: list[float], contexts: int, width: float) -> str:
    """Return what was reached, what the width would cost if the interval shrinks on as it did, and the remedy."""
    depth, reached = len(widths), widths[-1]
    shrinking = reached / widths[-2] if depth > 1 else 1.0
    cost = "it does not shrink any further"
    if shrinking < 1:
        more = math.ceil(math.log(width / reached) / math.log(shrinking))
        needed = contexts ** (1 + more / depth)
        cost = f"as it shrinks by {shrinking:.3g} per token, that would take about {depth + more} tokens of context"
        cost += f" and {needed:.1e} distinct contexts"
    return (
        f"width={width}: the certified interval of the rate is still {reached:.3g} wide after {depth} tokens and"
        f" {contexts} distinct contexts, as many as memory and patience allow; {cost};"
        f" ask for width={1.01 * reached:.2g} or leave it out."
    )


def _suffices(windows: Walk, low: float, length: int, budget: Budget) -> bool:
    """Return whether the interval of later positions is as narrow as asked, or as Monte Carlo would make it."""
    last = windows.positions[-1]
    rows = max(2, budget.tokens // length)
    expected = 2 * _truth.NORMAL_QUANTILE * last.deviation / math.sqrt(rows)
    return budget.width is not None or last.high - low <= max(expected, TIGHT)


def _positions(windows: Walk, low: float, length: int) -> tuple[Quantity, ...]:
    """Return h_t one by one as far as known, then the interval between the bound of the rate and the last of them."""
    exact = tuple(_truth.bracketed(each.low, each.high, method="enumeration") for each in windows.positions[:length])
    return exact + (_bracket(low, exact[-1].high),) * (length - len(exact))


def _mean(positions: tuple[Quantity, ...]) -> Quantity:
    """Return the mean of quantities none of which is sampled."""
    low, high = (float(np.mean([getattr(each, end) for each in positions])) for end in ("low", "high"))
    return _truth.bracketed(low, high, method=positions[-1].method)


def _bracket(low: float, high: float) -> Quantity:
    return _truth.bracketed(low, high, method="certified interval")


def _sampled(source: Source, length: int, budget: Budget, windows: Walk) -> Curve:
    """Return the curve with its first positions as the walk gives them."""
    least = msgspec.structs.replace(budget, contexts=1)
    curve = _curve.curve(type(source), source.tables(np.float64), length, least)
    known = windows.positions[:length]
    operations = math.ceil(max(each.error for each in known) / _truth.UNIT_ROUNDOFF)
    return curve._replace(exact_T=np.array([each.entropy for each in known]), operations=operations)
