"""Whether one number foretells the score: errors out of sample of a flexible curve in it, against one in others."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation, alike, numbers
from testbed.stats.mean import mean
from testbed.stats.permutation import check_names

SMOOTHINGS = 4.0 ** np.arange(-5, 4)
"""Weights of the roughness that are tried, from following each cell to a constant."""

FEWEST_GROUPS, FEWEST = 4, 8
TIE = 1e-24
LARGEST = 700.0
"""Largest logarithm of a ratio that is told."""


def collapse(
    score_N: Float[np.ndarray, "N"],
    snr_N: Float[np.ndarray, "N"],
    rival_NK: Float[np.ndarray, "N K"],
    groups: Sequence[object],
    *,
    level: float,
) -> Estimate:
    """Return the error of log SNR alone over the error of its rival, in foretelling scores of groups left out whole.

    The geometric mean over groups of the ratio of their root mean squares, of `held_out`: below 1 where log SNR is
    better. Rivals: the loss alone (one column), log P and log D (two), or log SNR beside these (three), against which
    a collapse is a ratio that does not exceed 1 by more than a declared margin. Groups are what the claim is to hold
    beyond: sizes, noise levels, worlds. The interval is Student's, of the log ratio, groups paired,
    widened by √(1 + G/(G − 1)) as fits share cells (Nadeau and Bengio).

    Error: both errors hold the noise of the scores, which draws the ratio toward 1. Covers 98–100 % where both foretell
    alike, 90–99 % where one is two or three times worse; without the widening 71–95 %. Cells that are left out singly,
    where groups share noise or a size, leak: the rival that can name the group wins. NoInformation with fewer than
    4 groups.
    Source: Nadeau and Bengio, Inference for the generalization error (Machine Learning 52, 2003);
    Roberts et al., Cross-validation strategies for data with structure (Ecography 40, 2017).

    >>> snr, size = np.repeat(np.arange(6.0), 4) + np.tile(np.arange(4.0), 6), np.repeat(np.arange(6.0), 4)
    >>> collapse(np.tanh(snr / 5), snr, size[:, None], size.tolist(), level=0.95).value < 0.3
    True
    """
    snr_N = numbers(snr_N, "log SNR")
    own_G = held_out(score_N, snr_N[:, None], groups)
    other_G = held_out(score_N, rival_NK, groups)
    if not (own_G > TIE).all() or not (other_G > TIE).all():
        raise NoInformation("scores of a group are foretold to rounding, so errors have no ratio; they hold no noise.")
    found = mean((np.log(own_G) - np.log(other_G)) / 2, level=level)
    half = (found.high - found.value) * math.sqrt(1 + found.n / (found.n - 1))
    low, value, high = (math.exp(min(end, LARGEST)) for end in (found.value - half, found.value, found.value + half))
    return Estimate(
        value=value,
        low=low,
        high=high,
        level=level,
        n=found.n,
        method="ratio of errors out of sample, Nadeau and Bengio",
    )


def held_out(
    score_N: Float[np.ndarray, "N"], columns_NK: Float[np.ndarray, "N K"], groups: Sequence[object]
) -> Float[np.ndarray, "G"]:
    """Return the mean square error of each group, foretold by a flexible function of K columns fitted to the others.

    The function is the smoothest of ``Σ (y − f)² + λ·roughness`` whose kernel is −distance, columns of one spread: in
    one column a line between knots that is constant beyond them, in more of them the same turned all ways (thin
    plates of the first order). It bends at a jump without overshooting, and is told no shape. λ is the best at
    foretelling groups left out among the others, so that the group itself is never seen.

    Error: beyond the cells it was fitted to the function is flat in one column, and leans to the mean in more.

    >>> x = np.arange(12.0)
    >>> bool(held_out(np.tanh(x - 5), x[:, None], [0, 1, 2, 3] * 3).max() < 0.1)
    True
    """
    score_N, columns_NK = numbers(score_N, "scores"), numbers(columns_NK, "columns", axes=2)
    alike(scores=len(score_N), columns=len(columns_NK), groups=len(groups))
    check_names(groups)
    names = list(dict.fromkeys(groups))
    if len(names) < FEWEST_GROUPS or len(score_N) < FEWEST:
        raise NoInformation(
            f"{len(score_N)} cells in {len(names)} groups are too few to leave some out; give {FEWEST} or more, in"
            f" {FEWEST_GROUPS} or more groups."
        )
    spread_K = np.ptp(columns_NK, axis=0)
    if not columns_NK.shape[1] or not (spread_K > 1e-12 * np.abs(columns_NK).max(axis=0)).all():
        raise NoInformation("a column does not differ between cells, so it foretells nothing; leave it out.")
    unit_NK = columns_NK / spread_K
    unit_NK = (unit_NK - unit_NK.mean(axis=0)) / unit_NK.std(axis=0)
    kernel_NN = -np.sqrt(np.sum((unit_NK[:, None] - unit_NK) ** 2, axis=2))
    member_GN = np.array([[group == name for group in groups] for name in names])
    return np.array([_error(score_N, kernel_NN, member_GN, out) for out in range(len(names))])


def _error(score_N: np.ndarray, kernel_NN: np.ndarray, member_GN: np.ndarray, out: int) -> float:
    """Return the mean square error of one group, by the smoothing that foretells the other groups best."""
    held_N = member_GN[out]
    seen_MM, seen_M = kernel_NN[~held_N][:, ~held_N], score_N[~held_N]
    inner_GM = np.delete(member_GN, out, axis=0)[:, ~held_N]
    solved = [_solved(seen_MM, seen_M, smoothing) for smoothing in SMOOTHINGS]
    inner = [_left_out(apart_MM, weight_M, inner_GM) for apart_MM, weight_M, _ in solved]
    _, weight_M, level = solved[int(np.argmin(inner))]
    foretold_N = kernel_NN[held_N][:, ~held_N] @ weight_M + level
    foretold_N = np.clip(foretold_N, seen_M.min(), seen_M.max())
    return float(np.mean((score_N[held_N] - foretold_N) ** 2))


def _solved(kernel_MM: np.ndarray, score_M: np.ndarray, smoothing: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return what makes weights of scores, the weights and the level of the smoothest function."""
    count = len(score_M)
    bordered = np.ones((count + 1, count + 1))
    bordered[:count, :count] = kernel_MM + smoothing * np.eye(count)
    bordered[count, count] = 0.0
    inverse = np.linalg.inv(bordered)
    return inverse[:count, :count], inverse[:count, :count] @ score_M, float(inverse[count, :count] @ score_M)


def _left_out(apart_MM: np.ndarray, weight_M: np.ndarray, inner_GM: np.ndarray) -> float:
    """Return the squared error of groups left out in turn, which a linear fit tells without being fitted again."""
    return sum(
        float(np.sum(np.linalg.solve(apart_MM[np.ix_(held_M, held_M)], weight_M[held_M]) ** 2)) for held_M in inner_GM
    )
