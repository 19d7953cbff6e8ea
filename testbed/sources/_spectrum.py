"""What pairs of tokens can see of the chain behind them: its reduction, its classes and its periods. Float64 numpy."""

from math import gcd, lcm

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

NEGLIGIBLE, SINGULAR = 1e-11, 1e-8


def visible(
    chain_SS: Float[np.ndarray, "S S"], rows_SV: Float[np.ndarray, "S V"], arriving_SV: Float[np.ndarray, "S V"]
) -> Float[np.ndarray, "R R"]:
    """Return the chain on the directions that tell of a later token and are told by an earlier one.

    `rows_SV` holds the laws of a token given the state, `arriving_SV` the joint law of a token and the state after it.

    Error: a direction counts as absent if less than NEGLIGIBLE of the largest one ever gets there; rounding mixes a
    direction so weak with others in the proportion of the unit roundoff to it.
    """
    excited_SV = rows_SV - arriving_SV.sum(1) @ rows_SV
    basis_SR = _reached(chain_SS, excited_SV, np.linalg.norm(rows_SV))
    reduced = basis_SR.T @ chain_SS @ basis_SR
    observed = _reached(reduced.T, basis_SR.T @ arriving_SV, np.linalg.norm(arriving_SV))
    return np.asarray(observed.T @ reduced @ observed)


def _reached(
    matrix: Float[np.ndarray, "S S"], start: Float[np.ndarray, "S V"], scale: float | np.floating
) -> Float[np.ndarray, "S R"]:
    """Return an orthonormal basis of the span of start, matrix·start, matrix²·start and so on."""
    basis, fresh = np.zeros((len(matrix), 0)), start
    while fresh.shape[1]:
        fresh = fresh - basis @ (basis.T @ fresh)
        fresh = fresh - basis @ (basis.T @ fresh)
        left, size, _ = np.linalg.svd(fresh, full_matrices=False)
        kept = size > NEGLIGIBLE * scale
        basis = np.concatenate([basis, left[:, kept]], axis=1)
        fresh = matrix @ (left[:, kept] * size[kept])
    return basis


def invertible(matrix: Float[np.ndarray, "R R"]) -> tuple[Float[np.ndarray, "Q Q"], int]:
    """Return a matrix with the eigenvalues of `matrix` except zero, and the power at which those of zero vanish.

    The matrix is restricted to its range until it has full rank: eigenvalues of a nilpotent part, computed directly,
    would come out as large as the n-th root of the unit roundoff.
    """
    power = 0
    while len(matrix):
        left, size, _ = np.linalg.svd(matrix)
        if size[-1] > SINGULAR:
            break
        range_RQ = left[:, size > SINGULAR]
        matrix = range_RQ.T @ matrix @ range_RQ
        power += 1
    return matrix, power


def classes_and_period(chain_SS: csr_array) -> tuple[int, int]:
    """Return the number of classes of a chain without transient states, and the common multiple of their periods."""
    chain_SS.eliminate_zeros()
    count, label_S = connected_components(chain_SS, directed=True, connection="strong")
    return int(count), lcm(*(_period(chain_SS[label_S == each][:, label_S == each]) for each in range(count)))


def _period(chain: csr_array) -> int:
    """Return the greatest common divisor of the lengths of all cycles of a connected chain."""
    order, parent_S = breadth_first_order(chain, 0)
    level_S = np.zeros(chain.shape[0], int)
    for state in order[1:]:
        level_S[state] = level_S[parent_S[state]] + 1
    origin, target = chain.nonzero()
    return gcd(*np.unique(level_S[origin] + 1 - level_S[target]).tolist())
