"""The mixture of given laws that is closest to a prediction."""

import numpy as np
from jaxtyping import Float, Int

LAST, FALL, STEP, LEAST = 1e-8, 0.1, 0.98, 1e-6
"""Where the barrier ends, how fast it falls, which part of the way to the boundary a step may go; the least prior."""
STEPS, BETWEEN, NUMBERS = 120, 3, 2**17
"""Most steps; after how many of them what is done is put aside; numbers of given laws that are worked on at once."""


def weights(
    law_QV: Float[np.ndarray, "Q V"],
    given_UKV: Float[np.ndarray, "U K V"],
    context_Q: Int[np.ndarray, " Q"],
    prior_K: Float[np.ndarray, " K"],
) -> Float[np.ndarray, "Q K"]:
    """Return the weights w of the mixture Σ_k w_k·given_k that is closest to each law, in the divergence from the law.

    Given are K laws in each of U contexts. The weights maximise Σ_v law(v)·log Σ_k w_k·given_k(v) + μ·Σ_k
    prior_k·log w_k for a vanishing μ: where many mixtures are as close, as with more laws than symbols, the one whose
    weights are nearest to the prior. So the mean of the given laws under the prior has the prior's weights, and a given
    law that is no mixture of others has weight one. What the given laws all exclude is left out of the law; a law of
    which nothing is left counts as their mean.

    Error: 1e-4 where a weight vanishes while the law is exactly a mixture, more (1e-3) where the given laws nearly
    depend on each other, 1e-8 elsewhere. Newton's method on weights and multipliers at once, along the path of μ. A
    prior below 1e-6 counts as that.

    >>> given_UKV, prior_K = np.array([[[0.9, 0.1], [0.1, 0.9]]]), np.array([0.5, 0.5])
    >>> weights(np.array([[0.3, 0.7]]), given_UKV, np.array([0]), prior_K).round(6).tolist()
    [[0.25, 0.75]]
    """
    prior_K = np.maximum(prior_K, LEAST) / np.maximum(prior_K, LEAST).sum()
    at_once = max(1, NUMBERS // given_UKV[0].size)
    parts = [slice(begin, begin + at_once) for begin in range(0, len(law_QV), at_once)]
    found = [_weights(law_QV[part], given_UKV[context_Q[part]], prior_K) for part in parts]
    return np.concatenate([np.empty((0, len(prior_K))), *found])


def _weights(law_QV: np.ndarray, given_QKV: np.ndarray, prior_K: np.ndarray) -> np.ndarray:
    """Return the weights where each law has given laws of its own.

    These count up to a factor for each symbol, so that they are taken in units of their mean, however small that is.
    """
    mean_QV = prior_K @ given_QKV
    law_QV = np.where(mean_QV > 0, law_QV, 0.0)
    law_QV = np.where(law_QV.any(axis=1, keepdims=True), law_QV, mean_QV)
    given_RKV = given_QKV / np.where(mean_QV > 0, mean_QV, 1.0)[:, None]
    law_RV, left_R = law_QV / law_QV.sum(axis=1, keepdims=True), np.arange(len(law_QV))
    found_QK = np.tile(prior_K, (len(law_QV), 1))
    weight_RK, slack_RK = found_QK, np.ones_like(found_QK)
    for step in range(1, STEPS + 1):
        weight_RK, slack_RK, off_R = _step(law_RV, given_RKV, prior_K, weight_RK, slack_RK)
        if step % BETWEEN and step < STEPS:
            continue
        found_QK[left_R] = weight_RK
        far_R = off_R > LAST
        if not far_R.any():
            break
        law_RV, given_RKV, left_R = law_RV[far_R], given_RKV[far_R], left_R[far_R]
        weight_RK, slack_RK = weight_RK[far_R], slack_RK[far_R]
    return np.asarray(found_QK / found_QK.sum(axis=1, keepdims=True))


def _step(
    law_RV: np.ndarray, given_RKV: np.ndarray, prior_K: np.ndarray, weight_RK: np.ndarray, slack_RK: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights and multipliers after a step towards given·(law/mixture) + slack = 1 + μ, slack·weight = μ·prior.

    Third, how far off the optimum they were before it.
    """
    gap_R1 = (slack_RK * weight_RK).sum(axis=1, keepdims=True)
    barrier_R1 = np.maximum(FALL * gap_R1, LAST / 2)
    mixed_RV = (weight_RK[:, None] @ given_RKV)[:, 0]
    ratio_RV = np.divide(law_RV, mixed_RV, out=np.zeros_like(law_RV), where=mixed_RV > 0)
    root_RV = np.sqrt(np.divide(ratio_RV, mixed_RV, out=np.zeros_like(law_RV), where=mixed_RV > 0))
    unmet_RK = 1 + barrier_R1 - (given_RKV @ ratio_RV[..., None])[..., 0] - slack_RK
    wanted_RK = barrier_R1 * prior_K / weight_RK - slack_RK
    scale_RK = weight_RK / slack_RK
    move_RK = _solved(given_RKV * root_RV[:, None], scale_RK, wanted_RK - unmet_RK)
    slack_move_RK = wanted_RK - move_RK / scale_RK
    fastest_R1 = np.maximum(-move_RK / weight_RK, -slack_move_RK / slack_RK).max(axis=1, keepdims=True)
    part_R1 = STEP / np.maximum(fastest_R1, STEP)
    off_R = np.maximum(gap_R1[:, 0] - LAST / 2, np.abs(unmet_RK).max(axis=1))
    return weight_RK + part_R1 * move_RK, slack_RK + part_R1 * slack_move_RK, off_R


def _solved(root_RKV: np.ndarray, scale_RK: np.ndarray, wanted_RK: np.ndarray) -> np.ndarray:
    """Return the solution of (root·rootᵀ + diag(1/scale))·move = wanted, through the smaller of both its dimensions."""
    regimes, symbols = root_RKV.shape[1:]
    turned_RVK = root_RKV.transpose(0, 2, 1)
    if regimes <= symbols:
        matrix_RKK = root_RKV @ turned_RVK
        matrix_RKK[:, np.arange(regimes), np.arange(regimes)] += 1 / scale_RK
        return np.asarray(np.linalg.solve(matrix_RKK, wanted_RK[..., None])[..., 0])
    matrix_RVV = turned_RVK @ (scale_RK[..., None] * root_RKV)
    matrix_RVV[:, np.arange(symbols), np.arange(symbols)] += 1
    scaled_RK = scale_RK * wanted_RK
    inner_RV = np.linalg.solve(matrix_RVV, (turned_RVK @ scaled_RK[..., None]))
    return np.asarray(scaled_RK - scale_RK * (root_RKV @ inner_RV)[..., 0])
