"""Copied spans as a finite machine."""

import functools
from collections.abc import Iterator

import numpy as np

from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent
from testbed.sources.copy_spans.fields import Fields

LARGEST_STATES = 1024

State = tuple[int, int, tuple[int, ...]]


@functools.lru_cache(maxsize=16)
def machine(source: Fields) -> Machine | Absent:
    """Return the machine whose states are the number of the gap, the age, and the tokens still to be repeated."""
    states = _count(source)
    if states > LARGEST_STATES:
        return Absent(f"{states:.3g} states, as each span is remembered: at most {LARGEST_STATES} are laid out")
    starts: list[State] = [(gap, 0, ()) for gap in range(len(source.gaps))]
    number = {state: index for index, state in enumerate(starts)}
    edges: list[tuple[int, int, int, float]] = []
    queue = list(starts)
    for state in queue:
        for symbol, probability, following in _steps(source, state):
            ends = following[1] == source.lengths()[following[0]]
            for target in starts if ends else [following]:
                if target not in number:
                    number[target] = len(queue)
                    queue.append(target)
                chance = probability / len(starts) if ends else probability
                edges.append((number[state], symbol, number[target], chance))
    origin_E, symbol_E, target_E, probability_E = (np.array(column) for column in zip(*edges, strict=True))
    law_V = source.fresh_law()
    stationary_S = np.array([law_V[list(word)].prod() for _, _, word in queue]) / sum(source.lengths())
    aligned_S = np.repeat([1 / len(starts), 0.0], [len(starts), len(queue) - len(starts)])
    initial_S = stationary_S if source.stationary else aligned_S
    return Machine(source.alphabet, initial_S, stationary_S, origin_E, symbol_E, target_E, probability_E)


def _count(source: Fields) -> float:
    """Return the number of states."""
    symbols, span = float(source.vocabulary), source.span
    spans = symbols**span
    within = (spans - 1) / (symbols - 1)
    return sum(within + gap * spans + symbols * within for gap in source.gaps)


def _steps(source: Fields, state: State) -> Iterator[tuple[int, float, State]]:
    """Yield the symbols that can come, their probabilities, and gap, age and tokens to be repeated after them."""
    gap, age, word = state
    if age >= source.span + source.gaps[gap]:
        yield word[0], 1.0, (gap, age + 1, word[1:])
        return
    for symbol, probability in enumerate(source.fresh_law().tolist()):
        yield symbol, probability, (gap, age + 1, (*word, symbol) if age < source.span else word)
