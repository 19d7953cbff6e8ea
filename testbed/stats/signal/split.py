"""The noise of trainings, split: how much comes with the draw of the data, the initialisation, and both together."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import NoInformation
from testbed.stats.mean_squares import Squares, component
from testbed.stats.signal.trainings import checked


class Split(NamedTuple):
    """The parts of E‖N‖²: of the draw, of the initialisation, and the rest, which is their interaction."""

    draw: Estimate
    initialisation: Estimate
    rest: Estimate


def split(gram_BRR: Float[np.ndarray, "B R R"], draws: int, initialisations: int, *, level: float) -> Split:
    """Return the parts of f_ai = S + a_a + b_i + c_ai, random effects that are functions, as their mean squared norms.

    Each of A draws was trained from each of I initialisations, training a·I + i. Traces of mean squares take the place
    of mean squares in `crossed.crossed`: draw (MS_A − MS_AI)/I, initialisation (MS_I − MS_AI)/A, rest MS_AI; unbiased,
    and may be negative. The N degrees of freedom of a mean square, times the directions among which noise is spread,
    are those of its trace: directions are 1/(tr(Σ²)/tr(Σ)² + 1/((N − 1)(N + 2))), with unbiased traces, as N vectors
    tell no more apart; with N = 1, one. The noise of sequences is added: the reaches of both in squares.

    Error: covers 94–100 % at 95 % for 3×3 to 8×4 trainings: by 94–97 % where noise has one direction, and too often
    where it has dozens, as few levels cannot show that. NoInformation with fewer than two levels.
    Source: Searle, Casella and McCulloch, Variance Components (1992), chapter 4; Box (1954) for the degrees of freedom.

    >>> rng = np.random.default_rng(0)
    >>> f_AIQ = 2 * rng.standard_normal((4, 1, 60)) + rng.standard_normal((4, 3, 60))
    >>> f_BRM = f_AIQ.reshape(12, 20, 3).swapaxes(0, 1)
    >>> found = split(f_BRM @ f_BRM.swapaxes(1, 2), 4, 3, level=0.95)
    >>> found.draw.low < 12.0 < found.draw.high, found.initialisation.low < 0.0 < found.initialisation.high
    (True, True)
    """
    gram_BRR = checked(gram_BRR)
    if draws < 2 or initialisations < 2:
        raise NoInformation(f"{draws} draws × {initialisations} initialisations have no spread; train 2 of both.")
    if gram_BRR.shape[1] != draws * initialisations:
        raise ValueError(
            f"{gram_BRR.shape[1]} trainings are not {draws} draws × {initialisations} initialisations; give each once."
        )
    one_A, one_I = _contrasts(draws), _contrasts(initialisations)
    even_A, even_I = (np.full((1, count), count**-0.5) for count in (draws, initialisations))
    bases = [np.kron(one_A, even_I), np.kron(even_A, one_I), np.kron(one_A, one_I)]
    kinds = np.array([[1.0, 0, -1], [0, 1, -1], [0, 0, 1]]) / np.array([[initialisations], [draws], [1.0]])
    inner = [base_NR @ gram_BRR.mean(0) @ base_NR.T for base_NR in bases]
    mean_S = np.array([np.trace(inner_NN) / len(inner_NN) for inner_NN in inner])
    freedom_S = np.array([_freedom(inner_NN) for inner_NN in inner])
    by_sequence = [np.einsum("nr,brs,ns->b", base_NR, gram_BRR, base_NR) / len(base_NR) for base_NR in bases]
    units = (draws, initialisations, draws * initialisations)
    parts = (
        component(Squares(mean_S * freedom_S, freedom_S, count), weights_S, level=level)
        for weights_S, count in zip(kinds, units, strict=True)
    )
    part_SB = kinds @ np.array(by_sequence)
    return Split(*(_widened(part, part_B) for part, part_B in zip(parts, part_SB, strict=True)))


def _contrasts(count: int) -> np.ndarray:
    """Return count − 1 orthonormal rows that sum to zero each."""
    around_NN = np.eye(count) - 1 / count
    return np.asarray(np.linalg.svd(around_NN)[2][: count - 1])


def _freedom(inner_NN: np.ndarray) -> float:
    """Return the degrees of freedom of a trace of N independent vectors, from their inner products."""
    count, total = len(inner_NN), float(np.trace(inner_NN))
    if count == 1 or not total > 0:
        return float(count)
    apart = float(np.sum(inner_NN**2)) - total**2 / count
    squared = apart / ((count - 1) * (count + 2))
    mean_squared = (total / count) ** 2 - 2 * squared / count
    crowding = squared / mean_squared if mean_squared > squared else 1.0
    return count / min(max(crowding, 0.0) + 1 / ((count - 1) * (count + 2)), 1.0)


def _widened(part: Estimate, part_B: np.ndarray) -> Estimate:
    """Return an estimate whose interval also counts the noise of B sequences."""
    half = critical(part.level, len(part_B) - 1.0) * float(part_B.std(ddof=1)) / len(part_B) ** 0.5
    below, above = np.hypot([part.value - part.low, part.high - part.value], half)
    return Estimate(
        value=part.value, low=part.value - float(below), high=part.value + float(above), level=part.level, n=part.n,
        method=f"{part.method}, over directions and sequences",
    )  # fmt: skip
