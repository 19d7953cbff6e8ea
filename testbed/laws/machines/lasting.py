"""What of a chain lasts: its classes and the phases in which each is gone round, as pairs of tokens see them."""

from fractions import Fraction
from math import gcd
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

NEGLIGIBLE = 1e-11
"""A share of the whole below which a part counts as absent."""

Fading = tuple[Float[np.ndarray, "S S"], Float[np.ndarray, "S V"], Float[np.ndarray, "S V"]]


class Seen(NamedTuple):
    """P(X_0 = a, X_k = b) = arriving' · chain^(k-1) · rows, over states that all last.

    `rows_SV` holds the laws of a token given the state, `arriving_SV` the joint law of a token and the state after it.
    """

    chain_SS: csr_array
    rows_SV: Float[np.ndarray, "S V"]
    arriving_SV: Float[np.ndarray, "S V"]


class Cells(NamedTuple):
    """The states by class and phase: from each of D cells the chain moves to one other, round and round in its class.

    `share_S` is the probability of a state in its cell in the long run.
    """

    cell_S: Int[np.ndarray, " S"]
    share_S: Float[np.ndarray, " S"]
    class_D: Int[np.ndarray, " D"]
    next_D: Int[np.ndarray, " D"]


def cells_of(seen: Seen) -> Cells:
    """Return the cells of a chain without transient states."""
    chain_SS = seen.chain_SS.copy()
    chain_SS.eliminate_zeros()
    count, class_S = connected_components(chain_SS, directed=True, connection="strong")
    cell_S, class_D, next_D = np.zeros(len(class_S), int), np.zeros(0, int), np.zeros(0, int)
    for each in range(count):
        members = np.flatnonzero(class_S == each)
        phase, period = _phases(chain_SS[members][:, members])
        cell_S[members] = len(class_D) + phase
        next_D = np.append(next_D, len(class_D) + np.roll(np.arange(period), -1))
        class_D = np.append(class_D, np.full(period, each))
    law_S = seen.arriving_SV.sum(1)
    return Cells(cell_S, law_S / np.bincount(cell_S, law_S)[cell_S], class_D, next_D)


def _phases(chain: csr_array) -> tuple[Int[np.ndarray, " S"], int]:
    """Return the phases of the states of a connected chain, and its period: the common divisor of all its cycles."""
    order, parent_S = breadth_first_order(chain, 0)
    level_S = np.zeros(chain.shape[0], int)
    for state in order[1:]:
        level_S[state] = level_S[parent_S[state]] + 1
    origin, target = chain.nonzero()
    period = gcd(*np.unique(level_S[origin] + 1 - level_S[target]).tolist())
    return level_S % period, period


def lasting_turns(seen: Seen, cells: Cells) -> list[Fraction]:
    """Return the t for which pairs of tokens see the eigenvalue exp(2πi·t) of the chain, without that of the mean.

    The correlations that last are those of the cells: Σ_D arriving_D · (mean row of the cell k-1 steps on). In each
    class their Fourier coefficients are products; those of one t from several classes add up, and may cancel, except
    for t = 0, where they are the spread of the classes' laws.
    """
    first, size_C = np.unique(cells.class_D, return_index=True, return_counts=True)[1:]
    arriving_DV, rows_DV = _by_cell(seen, cells)
    terms: dict[Fraction, list[tuple[np.ndarray, np.ndarray]]] = {}
    law_V, apart = arriving_DV.sum(0), 0.0
    for begin, period in zip(first, size_C, strict=True):
        in_class = slice(begin, begin + period)
        arriving_TV = np.fft.ifft(arriving_DV[in_class], axis=0) * period
        rows_TV = np.fft.fft(rows_DV[in_class], axis=0) / period
        apart = max(apart, float(np.abs(rows_TV[0] - law_V).max()))
        for turn in range(1, period):
            terms.setdefault(Fraction(int(turn), int(period)), []).append((arriving_TV[turn], rows_TV[turn]))
    scale = float(np.linalg.norm(seen.arriving_SV)), float(np.linalg.norm(seen.rows_SV))
    turns = [turn for turn, parts in terms.items() if _counts(parts, *scale)]
    return [Fraction(0), *turns] if apart > NEGLIGIBLE else turns


def _counts(parts: list[tuple[np.ndarray, np.ndarray]], left: float, right: float) -> bool:
    """Return whether the sum of these products is more than rounding, beside factors of such sizes.

    One product counts as long as both of its factors do; several may cancel, and only their sum tells.
    """
    if len(parts) == 1:
        sizes = (float(np.linalg.norm(each)) for each in parts[0])
        return all(size > NEGLIGIBLE * whole for size, whole in zip(sizes, (left, right), strict=True))
    left_PV, right_PV = (np.stack(each) for each in zip(*parts, strict=True))
    return float(np.linalg.norm(left_PV.T @ right_PV)) > NEGLIGIBLE * left * right


def _by_cell(seen: Seen, cells: Cells) -> tuple[Float[np.ndarray, "D V"], Float[np.ndarray, "D V"]]:
    """Return the joint law of a token and the cell after it, and the mean rows of the cells."""
    arriving_DV, rows_DV = np.zeros((2, len(cells.class_D), seen.rows_SV.shape[1]))
    np.add.at(arriving_DV, cells.cell_S, seen.arriving_SV)
    np.add.at(rows_DV, cells.cell_S, cells.share_S[:, None] * seen.rows_SV)
    return arriving_DV, rows_DV


def faded(seen: Seen, cells: Cells) -> Fading:
    """Return chain, rows and arriving laws less what lasts, which the chain neither feeds nor is fed by.

    All eigenvalues of the chain are then within the unit circle, the others being zero.
    """
    arriving_DV, rows_DV = _by_cell(seen, cells)
    onward = cells.next_D[cells.cell_S][:, None] == cells.cell_S[None, :]
    chain_SS = seen.chain_SS.toarray() - onward * cells.share_S[None, :]
    rows_SV = seen.rows_SV - rows_DV[cells.cell_S]
    return chain_SS, rows_SV, seen.arriving_SV - cells.share_S[:, None] * arriving_DV[cells.cell_S]
