"""The entropies and the machine of multitask sparse parity."""

import functools

import numpy as np
from jaxtyping import Float, Int
from scipy.special import entr

from testbed.laws import record, simplex
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Truth
from testbed.sources.quanta.fields import Fields

Index = Int[np.ndarray, " E"]
Law = Float[np.ndarray, " X"]

SUMMED = 128
"""Numbers that numpy adds up in a row; longer sums are taken in halves."""


def truth(source: Fields, length: int) -> Truth:
    """Return the entropies over windows of `length` tokens."""
    exact = functools.partial(record.rounded, operations=4.0 * (source.alphabet + source.period))
    place_P = np.array([float(simplex.entropy(source.task_law())), *[np.log(2)] * source.bits, 0.0])
    rate = exact(float(place_P.mean()))
    if not source.stationary:
        values, known = np.resize(place_P, length), exact
    else:
        values = np.full(length, place_P.mean())
        values[: source.period] = out_of_phase(source, place_P)[:length]
        operations = 4.0 * (source.alphabet + source.period + SUMMED)
        known = functools.partial(record.rounded, operations=operations, method="enumeration")
    curve = tuple(known(float(value)) for value in values)
    return Truth(length=length, curve=curve, epsilon=known(float(values.mean())), rate=rate, oracle=rate)


def out_of_phase(source: Fields, place_P: Float[np.ndarray, " P"]) -> Float[np.ndarray, " P"]:
    """Return h_t for the first positions of a window that begins at a random place.

    Where a task has been seen, the place is known. Otherwise token t is a bit, an answer, or the next task, and what
    tells them apart is how well the token before fits an answer: a sum over all strings of bits.
    """
    period, entropies, fits_X = source.period, [], np.ones(1)
    for time in range(period):
        seen = [(start + time) % period for start in range(period) if -start % period < time]
        one_X = answers(source, time)
        bits, answer = max(period - 2 - time, 0), float(time <= source.bits)
        one_of_block_X = (bits / 2 + answer * one_X) / max(bits + answer, 1)
        total_X = bits + answer + fits_X
        task_X = fits_X / np.where(total_X > 0, total_X, 1)
        entropy_X = _binary(task_X) + task_X * place_P[0] + (1 - task_X) * _binary(one_of_block_X)
        entropies.append((place_P[seen].sum() + float((total_X * entropy_X).mean())) / period)
        fits_X = 2 * np.stack([1 - one_X, one_X], axis=1).reshape(-1)
    return np.array(entropies)


def answers(source: Fields, time: int) -> Float[np.ndarray, " X"]:
    """Return the chance of a "one" at position `time` if it is an answer to a task before the window.

    The entries are the strings of the tokens before, the first one the most significant bit: a Walsh transform of the
    law of the sets of bits that are added up. A set that reaches before the window leaves the answer open.
    """
    bit_QK = source.subsets() - source.bits + time
    seen_Q = (bit_QK >= 0).all(1)
    mask_Q = (1 << (time - 1 - bit_QK[seen_Q])).sum(1)
    signs_X = np.bincount(mask_Q, source.task_law()[seen_Q], minlength=2**time)
    for place in range(time):
        halves = signs_X.reshape(-1, 2, 2**place)
        signs_X = np.stack([halves[:, 0] + halves[:, 1], halves[:, 0] - halves[:, 1]], axis=1).reshape(-1)
    return np.clip((1 - signs_X) / 2, 0, 1)


def machine(source: Fields) -> Machine | Absent:
    """Return the machine whose states are "a task comes" and task, place and parity so far."""
    edges = source.tasks * (4 * source.bits + 3)
    if edges > finite.LARGEST_EDGES:
        return Absent(f"{edges} edges: machines have at most {finite.LARGEST_EDGES}")
    law_Q, counts_Qb = source.task_law(), _counts(source)
    task, bit, parity, value = (each.reshape(-1) for each in np.indices((source.tasks, source.bits, 2, 2)))
    after = parity ^ (value & counts_Qb[task, bit])
    answering = np.indices((source.tasks, 2)).reshape(2, -1)
    solved = _state(source, answering[0], source.bits, answering[1])
    start = np.zeros_like(law_Q, dtype=np.int64)
    stationary_S = _stationary(source, law_Q, counts_Qb)
    return Machine(
        symbols=source.alphabet,
        initial_S=stationary_S if source.stationary else np.eye(1, len(stationary_S))[0],
        stationary_S=stationary_S,
        origin_E=np.concatenate([start, _state(source, task, bit, parity), solved]),
        symbol_E=np.concatenate([np.arange(source.tasks), source.tasks + value, source.tasks + answering[1]]),
        target_E=np.concatenate(
            [_state(source, np.arange(source.tasks), 0, 0), _state(source, task, bit + 1, after), np.zeros_like(solved)]
        ),
        probability_E=np.concatenate([law_Q, np.full(len(task), 0.5), np.ones(len(solved))]),
    )


def _state(source: Fields, task: Index, bits: Index | int, parity: Index | int) -> Index:
    """Return the number of the state in which so many bits have been seen; state 0 is "a task comes"."""
    return 1 + (task * (source.bits + 1) + bits) * 2 + parity


def _counts(source: Fields) -> Int[np.ndarray, "Q b"]:
    """Return 1 where a task adds up a bit."""
    counts_Qb = np.zeros((source.tasks, source.bits), dtype=np.int64)
    np.put_along_axis(counts_Qb, source.subsets(), 1, axis=1)
    return counts_Qb


def _stationary(
    source: Fields, law_Q: Float[np.ndarray, " Q"], counts_Qb: Int[np.ndarray, "Q b"]
) -> Float[np.ndarray, " S"]:
    """Return the long-run law of the states: parities are fair once a bit counts, and even before."""
    fair_Qb1 = np.pad(counts_Qb, ((0, 0), (1, 0))).cumsum(1) > 0
    odd_Qb1 = np.where(fair_Qb1, 0.5, 0.0)
    within = np.stack([1 - odd_Qb1, odd_Qb1], axis=2) * law_Q[:, None, None]
    return np.append(1.0, within.reshape(-1)) / source.period


def _binary(chance_X: Law) -> Law:
    return np.asarray(entr(chance_X) + entr(1 - chance_X))
