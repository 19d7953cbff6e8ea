"""What a mixture inherits from its parts: machines side by side, mean entropies, the slowest decay."""

import math
from collections.abc import Iterable
from typing import TypeVar, get_args

import numpy as np
from jaxtyping import Float

from testbed.laws import record
from testbed.laws.entropies import conditional
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Budget, Method, Mixing, Quantity, Truth
from testbed.sources.mixture.fields import Fields

Value = TypeVar("Value")

SAME = 1e-10
"""Frequencies of symbols that differ by less count as equal."""

DECAYS = ("independent", "finite", "geometric", "power law", "periodic", "never")


def present(values: "Iterable[Value | Absent]") -> list[Value] | Absent:
    """Return all values, or the first reason why one of them is missing."""
    found = []
    for value in values:
        if isinstance(value, Absent):
            return value
        found.append(value)
    return found


def weakest(methods: Iterable[Method]) -> Method:
    """Return the method that says least of the result."""
    return max(methods, key=get_args(Method).index)


def side_by_side(machines: list[Machine], weight_M: Float[np.ndarray, " M"]) -> Machine | Absent:
    """Return the machine that begins in machine m with probability weight_M[m], and stays there."""
    edges = sum(len(machine.origin_E) for machine in machines)
    if edges > finite.LARGEST_EDGES:
        return Absent(f"{edges} edges: machines have at most {finite.LARGEST_EDGES}")
    sizes = [len(machine.initial_S) for machine in machines]
    first_M = np.cumsum([0, *sizes[:-1]])
    return Machine(
        symbols=machines[0].symbols,
        initial_S=np.concatenate([w * each.initial_S for w, each in zip(weight_M, machines, strict=True)]),
        stationary_S=np.concatenate([w * each.stationary_S for w, each in zip(weight_M, machines, strict=True)]),
        origin_E=np.concatenate([first + each.origin_E for first, each in zip(first_M, machines, strict=True)]),
        symbol_E=np.concatenate([each.symbol_E for each in machines]),
        target_E=np.concatenate([first + each.target_E for first, each in zip(first_M, machines, strict=True)]),
        probability_E=np.concatenate([each.probability_E for each in machines]),
    )


def slowest(source: Fields) -> Mixing | Absent:
    """Return "never" where the long-run frequencies of symbols differ from part to part, else the slowest decay."""
    pairs = present(part.pair_law(0) for part in source.parts)
    if isinstance(pairs, Absent):
        return pairs
    mixings = present(part.mixing() for part in source.parts)
    if isinstance(mixings, Absent):
        return mixings
    if np.ptp([np.diag(once_VV) for once_VV in pairs], axis=0).max() > SAME:
        return Mixing(decay="never", value=1.0)
    slow = max(mixings, key=_slowness)
    if slow.decay != "periodic":
        return slow
    periods = [int(mixing.value) for mixing in mixings if mixing.decay == "periodic"]
    return Mixing(decay="periodic", value=float(math.lcm(*periods)))


def _slowness(mixing: Mixing) -> tuple[int, float]:
    return DECAYS.index(mixing.decay), -mixing.value if mixing.decay == "power law" else abs(mixing.value)


def truth(source: Fields, length: int, budget: Budget) -> Truth:
    """Return the entropies of a mixture over windows of `length` tokens."""
    truths = [part.truth(length, budget=budget) for part in source.parts]
    weights = source.probabilities().tolist()
    rate, oracle = _mean([each.rate for each in truths], weights), _mean([each.oracle for each in truths], weights)
    from testbed.laws.entropies import bounded, walked

    tables = source.tables(np.float64)
    curve = walked.curve(source, source.machine(), length, budget, operations=conditional.operations(tables, length))
    epsilon = curve.mean(np.full(length, 1 / length))
    found = Truth(length=length, curve=curve.positions(), epsilon=epsilon, rate=rate, oracle=oracle)
    return bounded.settled(source, found, budget)


def _mean(quantities: list[Quantity | Absent], weights: list[float]) -> Quantity | Absent:
    """Return the weighted mean with the mean of the errors, as those of the parts may all point one way."""
    known = present(quantities)
    if isinstance(known, Absent):
        return known
    value, low, high, error, gap = (
        sum(weight * getattr(each, field) for weight, each in zip(weights, known, strict=True))
        for field in ("value", "low", "high", "error", "gap")
    )
    rounding = 2 * len(known) * record.UNIT_ROUNDOFF * value
    method = weakest(each.method for each in known)
    ends = {"low": low - rounding, "high": high + rounding}
    return Quantity(value=value, **ends, method=method, error=error + rounding, gap=gap)
