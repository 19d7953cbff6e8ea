"""The least excess loss that logits of bounded rank can attain, over contexts whose laws are known."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

STARTS = 12
"""Descents from different random starts."""
STEPS = 3000
"""Most steps of one descent."""


class Floor(NamedTuple):
    """The lowest excess loss that was found, nats per token, and the spread of the descents that found it."""

    value: float
    starts: int
    apart: float
    """How much higher the median descent ended: near zero where descents agree."""


def floor(share_C: Float[np.ndarray, " C"], law_CV: Float[np.ndarray, "C V"], rank: int, *, seed: int = 0) -> Floor:
    """Return the least Σ_c share_c · KL(law_c ‖ softmax(U_c·W)) over U of C × rank and W of rank × V, nats per token.

    A readout without bias of a width-M state has logits of rank M over any contexts, so that a model of that width
    loses at least this, whatever precedes the readout, and whatever it has read. Shares may add up to less than one:
    contexts that are left out count as predicted perfectly. Symbols that a law excludes need logits of −∞, which
    descents approach.

    Error: the lowest of some local descents, so from above: where descents do not agree (``apart``) the true
    least value may be lower. Zero, exactly, where the rank is that of the log-probabilities that exist, or C.
    Source: softmax bottleneck, Yang et al. (arXiv 1711.03953).

    >>> law_CV = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.3, 0.2, 0.5]])
    >>> round(floor(np.full(3, 1 / 3), law_CV, 1).value, 4), floor(np.full(3, 1 / 3), law_CV, 3).value
    (0.0329, 0.0)
    """
    if rank >= min(law_CV.shape):
        return Floor(0.0, 0, 0.0)
    rng = np.random.default_rng(seed)
    free = rank * sum(law_CV.shape)
    found = sorted(_descent(share_C, law_CV, rank, rng.standard_normal(free), STEPS) for _ in range(STARTS))
    return Floor(max(found[0], 0.0), STARTS, float(np.median(found)) - found[0])


def rough(share_C: Float[np.ndarray, " C"], law_CV: Float[np.ndarray, "C V"], rank: int) -> float:
    """Return the floor to about a tenth of it, in a hundredth of the time: one short descent from the best logits.

    It begins at the singular vectors of the log-laws, weighed by shares and by the mean law.

    Error: from above, as `floor`; symbols that a law excludes count as of probability 1e-6 at the start.

    >>> law_CV = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.3, 0.2, 0.5]])
    >>> round(rough(np.full(3, 1 / 3), law_CV, 1), 4), rough(np.full(3, 1 / 3), law_CV, 3)
    (0.0329, 0.0)
    """
    if rank >= min(law_CV.shape):
        return 0.0
    log_CV = np.log(np.maximum(law_CV, 1e-6))
    weight_C = np.sqrt(np.maximum(share_C, 1e-9))[:, None]
    weight_V = np.sqrt(np.maximum(share_C @ law_CV, 1e-9))
    weighed_CV = weight_C * (log_CV - log_CV.mean(1, keepdims=True)) * weight_V
    left_CR, value_R, right_RV = np.linalg.svd(weighed_CV, full_matrices=False)
    start = np.concatenate([
        ((left_CR * value_R)[:, :rank] / weight_C).ravel(), (right_RV[:rank] / weight_V).ravel()
    ])  # fmt: skip
    return max(_descent(share_C, law_CV, rank, start, STEPS // 15), 0.0)


def _descent(share_C: np.ndarray, law_CV: np.ndarray, rank: int, start: np.ndarray, steps: int) -> float:
    """Return where one descent ends, after so many steps at most."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp, xlogy

    contexts, symbols = law_CV.shape
    negentropy = float(share_C @ xlogy(law_CV, law_CV).sum(1))

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        left_CR = flat[: contexts * rank].reshape(contexts, rank)
        right_RV = flat[contexts * rank :].reshape(rank, symbols)
        log_CV = left_CR @ right_RV
        log_CV -= logsumexp(log_CV, axis=1, keepdims=True)
        slope_CV = share_C[:, None] * (np.exp(log_CV) - law_CV)
        value = negentropy - float(share_C @ (law_CV * log_CV).sum(1))
        return value, np.concatenate([(slope_CV @ right_RV.T).ravel(), (left_CR.T @ slope_CV).ravel()])

    options = {"maxiter": steps, "maxfun": 2 * steps, "ftol": 1e-12, "gtol": 1e-9, "maxcor": 30}
    return float(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).fun)
