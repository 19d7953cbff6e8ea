"""What pairs of tokens can see of the chain behind them: its classes and periods, and the eigenvalues that fade.

Float64 numpy.
"""

from math import lcm
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.linalg import eig

from testbed.laws.machines.lasting import NEGLIGIBLE, Fading, Seen, cells_of, faded, lasting_turns
from testbed.laws.record import UNIT_ROUNDOFF, Absent, Mixing

SINGULAR, FINEST = 1e-8, 64 * UNIT_ROUNDOFF
"""What the chain makes too little of a direction for it to count; the least of a state's rounding."""
COARSER = 100
"""What is left out more, and less, to see how much the second eigenvalue depends on it."""
ALIKE, TOLD_APART = 1e-10, 1e6
"""Eigenvalues that near are one; eigenvectors of a condition number beyond do not tell which modes are seen."""
BEYOND = 16
"""Lags over which it is seen what is left where correlations are said to be over."""


def mixing(seen: Seen) -> Mixing | Absent:
    """Return the decay of the correlations; see `finite.mixing`.

    Where all correlations that count seem over, an eigenvalue is sought down to the rounding of the chain, and told if
    it is larger than its error.

    Error: as stated: the rounding of the chain times the condition number of the eigenvalue; where eigenvectors are too
    close to parallel to tell modes apart, also what it changes by if more or fewer of the weakest directions count.
    Where there is none, it is what may be left of correlations.
    """
    cells = cells_of(seen)
    turns = lasting_turns(seen, cells)
    if 0 in turns:
        return Mixing(decay="never", value=1.0, method="eigenvalue")
    if turns:
        return Mixing(decay="periodic", value=float(lcm(*(turn.denominator for turn in turns))), method="eigenvalue")
    fading = faded(seen, cells)
    found = slowest(fading)
    if found is None:
        matrix, vanishing = invertible(visible(fading, NEGLIGIBLE), SINGULAR)
        if not len(matrix):
            return _over(fading, vanishing)
        found = _resolved(fading, matrix, NEGLIGIBLE, SINGULAR)
    value, error = found
    if abs(value) - error >= 1:
        return Absent(f"the second eigenvalue is not resolved: {value:.3g} with an error of {error:.1g}")
    value = float(np.clip(value, UNIT_ROUNDOFF - 1, 1 - UNIT_ROUNDOFF))
    return Mixing(decay="geometric", value=value, method="eigenvalue", error=error)


def slowest(fading: Fading) -> tuple[float, float] | None:
    """Return the eigenvalue of the slowest mode that pairs of tokens see, and its error; None if none is told so.

    A mode of eigenvalue λ with right and left eigenvectors r and l adds λ^(k-1)·(arriving'r)(l'rows)/(l'r) to the
    correlations at lag k. It counts if that is more than `NEGLIGIBLE` of the whole, and more than rounding; modes of
    one eigenvalue count together. Error: the rounding of the chain times the condition number 1/abs(l'r).
    """
    chain_SS, rows_SV, arriving_SV = fading
    value_K, left_SK, right_SK = eig(chain_SS, left=True, right=True)
    overlap_K = np.einsum("sk,sk->k", left_SK.conj(), right_SK)
    condition_K = 1 / np.maximum(np.abs(overlap_K), UNIT_ROUNDOFF)
    told_KV, heard_VK = left_SK.conj().T @ rows_SV, arriving_SV.T @ right_SK
    rounding = 8 * len(chain_SS) * UNIT_ROUNDOFF
    whole = float(np.linalg.norm(arriving_SV) * np.linalg.norm(rows_SV))
    left_K = np.argsort(-np.abs(value_K))
    while len(left_K) and abs(value_K[left_K[0]]) > SINGULAR:
        same = np.abs(value_K[left_K] - value_K[left_K[0]]) <= ALIKE
        mode, left_K = left_K[same], left_K[~same]
        condition = float(condition_K[mode].max())
        if condition > TOLD_APART:
            return None
        part_VV = heard_VK[:, mode] / overlap_K[mode] @ told_KV[mode]
        if np.linalg.norm(part_VV) > max(NEGLIGIBLE, 8 * rounding * condition) * whole:
            error = rounding * max(float(np.linalg.norm(chain_SS, 2)), 1.0) * condition
            return _signed(value_K[mode[0]]), error
    return None


def _signed(value: complex) -> float:
    """Return a real eigenvalue, or of a complex one the modulus."""
    size = float(abs(value))
    return float(np.copysign(size, value.real)) if abs(value.imag) < 1e-12 else size


def _resolved(
    fading: Fading, matrix: Float[np.ndarray, "Q Q"], negligible: float, singular: float
) -> tuple[float, float]:
    """Return the second eigenvalue, which `matrix` has, and its error."""
    value, condition = second(matrix)
    floors = COARSER * negligible, max(negligible / COARSER, FINEST)
    others = [second(invertible(visible(fading, floor), singular)[0])[0] for floor in floors]
    rounding = 8 * len(fading[0]) * UNIT_ROUNDOFF * max(float(np.linalg.norm(matrix, 2)), 1.0) * condition
    return value, rounding + max(abs(abs(value) - abs(other)) for other in others)


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
    return _signed(values[top]), condition
