"""Bayes curves of sources that may be small machines: by merged contexts, else by all contexts, else sampled."""

import math

import msgspec
import numpy as np

from testbed.laws import record
from testbed.laws.entropies import conditional
from testbed.laws.entropies.conditional import Curve
from testbed.laws.machines import mixed_states
from testbed.laws.machines.finite import Machine
from testbed.laws.machines.mixed_states import Position, Walk
from testbed.laws.record import Absent, Budget
from testbed.laws.source import Source

LARGEST_STATES = 4096


def curve(source: Source, machine: Machine | Absent, length: int, budget: Budget, *, operations: int) -> Curve:
    """Return the Bayes curve over windows of `length` tokens, `machine` being one with the law of such a window.

    Contexts that say the same of the machine's state count as one, as far as `budget.contexts` of them suffice; if
    that is no further than all contexts can be visited, they are. Later positions are sampled.

    Error: rounding of `operations` operations in a row where contexts are visited; otherwise see `Walk` and `Curve`.
    """
    known = _positions(machine, length, budget)
    if len(known) < length and len(known) <= conditional.depth(source.alphabet, length, budget):
        return conditional.curve(type(source), source.tables(np.float64), length, budget)._replace(
            operations=operations
        )
    exact_T = np.array([each.entropy for each in known])
    operations = math.ceil(max(each.error for each in known) / record.UNIT_ROUNDOFF)
    if len(known) == length:
        return conditional.exactly(exact_T, operations)
    least = msgspec.structs.replace(budget, contexts=1)
    sampled = conditional.curve(type(source), source.tables(np.float64), length, least)
    return sampled._replace(exact_T=exact_T, operations=operations)


def _positions(machine: Machine | Absent, length: int, budget: Budget) -> list[Position]:
    """Return the first positions as far as merged contexts reach."""
    if isinstance(machine, Absent) or len(machine.initial_S) > LARGEST_STATES:
        return []
    walk = Walk(machine, mixed_states.unknown(machine.initial_S))
    walk.reach(length, budget.contexts)
    return walk.positions[:length]
