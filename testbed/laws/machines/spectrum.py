"""What pairs of tokens can see of the chain behind them: its classes and periods, and the eigenvalues that fade.

Float64 numpy.
"""

from fractions import Fraction
from math import gcd, lcm
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import eig
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from testbed.laws.record import UNIT_ROUNDOFF, Absent, Mixing

NEGLIGIBLE, SINGULAR, FINEST = 1e-11, 1e-8, 64 * UNIT_ROUNDOFF
"""What is left out as too weak, of directions and of what the chain makes of them; the least of a state's rounding."""
COARSER = 100
"""What is left out more, to see how much the second eigenvalue depends on it."""
BEYOND = 16
"""Lags over which it is seen what is left where correlations are said to be over."""


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


def mixing(seen: Seen) -> Mixing | Absent:
    """Return the decay of the correlations; see `finite.mixing`.

    Where all correlations that count seem over, an eigenvalue is sought down to the rounding of the chain, and told if
    it is larger than its error.

    Error: as stated; it adds what the eigenvalue changes by if weaker directions are left out, and the rounding of the
    chain times the condition number of the eigenvalue. Where there is none, it is what may be left of correlations.
    """
    cells = cells_of(seen)
    turns = lasting_turns(seen, cells)
    if 0 in turns:
        return Mixing(decay="never", value=1.0, method="eigenvalue")
    if turns:
        return Mixing(decay="periodic", value=float(lcm(*(turn.denominator for turn in turns))), method="eigenvalue")
    fading = faded(seen, cells)
    matrix, vanishing = invertible(visible(fading, NEGLIGIBLE), SINGULAR)
    if not len(matrix):
        return _over(fading, vanishing)
    value, error = _resolved(fading, matrix, NEGLIGIBLE, SINGULAR)
    if abs(value) - error >= 1:
        return Absent(f"the second eigenvalue is not resolved: {value:.3g} with an error of {error:.1g}")
    value = float(np.clip(value, UNIT_ROUNDOFF - 1, 1 - UNIT_ROUNDOFF))
    return Mixing(decay="geometric", value=value, method="eigenvalue", error=error)


def _resolved(
    fading: Fading, matrix: Float[np.ndarray, "Q Q"], negligible: float, singular: float
) -> tuple[float, float]:
    """Return the second eigenvalue, which `matrix` has, and its error."""
    value, condition = second(matrix)
    rough, _ = second(invertible(visible(fading, COARSER * negligible), singular)[0])
    rounding = 8 * len(fading[0]) * UNIT_ROUNDOFF * max(float(np.linalg.norm(matrix, 2)), 1.0) * condition
    return value, rounding + abs(abs(value) - abs(rough))


def _over(fading: Fading, vanishing: int) -> Mixing:
    """Return that correlations are over after so many lags, unless they go on below what usually counts as nothing."""
    finest = FINEST * len(fading[0])
    matrix, _ = invertible(visible(fading, finest), finest)
    if len(matrix):
        value, error = _resolved(fading, matrix, finest, finest)
        if 2 * error < abs(value):
            return Mixing(decay="geometric", value=value, method="eigenvalue", error=error)
    decay: Literal["finite", "independent"] = "finite" if vanishing else "independent"
    return Mixing(decay=decay, value=float(vanishing), method="eigenvalue", error=_left(fading, vanishing))


def _left(fading: Fading, vanishing: int) -> float:
    """Return by how much the probability of a pair differs from independence at the lags beyond, at most."""
    chain_SS, passed_SV, arriving_SV = fading
    sizes = []
    for lag in range(vanishing + BEYOND):
        sizes.append(float(np.abs(arriving_SV.T @ passed_SV).max()) if lag >= vanishing else 0.0)
        passed_SV = chain_SS @ passed_SV
    return max(sizes) + 4 * UNIT_ROUNDOFF * (len(chain_SS) + len(sizes))


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


def visible(fading: Fading, floor: float) -> Float[np.ndarray, "R R"]:
    """Return the chain on the directions that tell of a later token and are told by an earlier one.

    Error: a direction counts as absent if less than `floor` of the whole ever gets there; rounding mixes a direction so
    weak with others in the proportion of the unit roundoff to it.
    """
    chain_SS, rows_SV, arriving_SV = fading
    basis_SR = _reached(chain_SS, rows_SV, floor)
    reduced = basis_SR.T @ chain_SS @ basis_SR
    observed = _reached(reduced.T, basis_SR.T @ arriving_SV, floor * float(np.linalg.norm(arriving_SV)))
    return np.asarray(observed.T @ reduced @ observed)


def _reached(
    matrix: Float[np.ndarray, "S S"], start: Float[np.ndarray, "S V"], floor: float
) -> Float[np.ndarray, "S R"]:
    """Return an orthonormal basis of the span of start, matrix·start, matrix²·start and so on."""
    basis, fresh = np.zeros((len(matrix), 0)), start
    while fresh.shape[1]:
        fresh = fresh - basis @ (basis.T @ fresh)
        fresh = fresh - basis @ (basis.T @ fresh)
        left, size, _ = np.linalg.svd(fresh, full_matrices=False)
        kept = size > floor
        basis = np.concatenate([basis, left[:, kept]], axis=1)
        fresh = matrix @ (left[:, kept] * size[kept])
    return basis


def invertible(matrix: Float[np.ndarray, "R R"], singular: float) -> tuple[Float[np.ndarray, "Q Q"], int]:
    """Return a matrix with the eigenvalues of `matrix` except zero, and the power at which those of zero vanish.

    The matrix is restricted to its range until it has full rank: eigenvalues of a nilpotent part, computed directly,
    would come out as large as the n-th root of the unit roundoff.
    """
    power = 0
    while len(matrix):
        left, size, _ = np.linalg.svd(matrix)
        if size[-1] > singular:
            break
        range_RQ = left[:, size > singular]
        matrix = range_RQ.T @ matrix @ range_RQ
        power += 1
    return matrix, power


def second(matrix: Float[np.ndarray, "Q Q"]) -> tuple[float, float]:
    """Return the eigenvalue that is largest by modulus, of a complex one the modulus, and its condition number.

    Zero stands for none.
    """
    if not len(matrix):
        return 0.0, 1.0
    values, left, right = eig(matrix, left=True, right=True)
    top = int(np.abs(values).argmax())
    condition = 1 / max(float(abs(np.vdot(left[:, top], right[:, top]))), UNIT_ROUNDOFF)
    size, real = float(abs(values[top])), abs(values[top].imag) < 1e-12
    return float(np.copysign(size, values[top].real)) if real else size, condition
