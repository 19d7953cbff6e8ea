"""Hidden states of several trainings, turned into each other: rotations fitted on some contexts, read on others."""

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import NoInformation, numbers, scaled

ROUNDS = 100
SETTLED = 1e-6


def rotations(h_RNM: Float[np.ndarray, "R N M"]) -> Float[np.ndarray, "R M M"]:
    """Return orthogonal matrices O_r that bring h_r·O_r of R trainings at N contexts next to their common mean.

    Generalised Procrustes: each h_r is turned to the mean of all by `scipy.linalg.orthogonal_procrustes`, the mean is
    taken anew, and so on until it settles; the first mean is h_0. Common turns of all remain free, and harm no product.

    Error: a local minimum may be found if trainings have little in common. Lengths are kept: a training that is
    larger stays so. Rotations that are read where they were fitted turn noise into signal, by M·(M − 1)/2 numbers each.
    Source: Gower (Psychometrika 40, 1975); Schönemann (Psychometrika 31, 1966).

    >>> h = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    >>> turned = rotations(np.stack([h, h[:, ::-1]]))
    >>> np.allclose(h @ turned[0], h[:, ::-1] @ turned[1])
    True
    """
    from scipy.linalg import orthogonal_procrustes

    h_RNM = _vectors(h_RNM)
    unit_RNM = scaled(h_RNM)
    mean_NM, before = unit_RNM[0], 0.0
    for _ in range(ROUNDS):
        turn_RMM = np.stack([orthogonal_procrustes(each_NM, mean_NM)[0] for each_NM in unit_RNM])
        mean_NM = np.mean(unit_RNM @ turn_RMM, axis=0)
        size = float(np.sum(mean_NM**2))
        if size - before <= SETTLED * size:
            break
        before = size
    return turn_RMM


def aligned(fit_RNM: Float[np.ndarray, "R N M"], read_RLM: Float[np.ndarray, "R L M"]) -> Float[np.ndarray, "R L M"]:
    """Return the vectors of other contexts, less each training's mean and turned as the first contexts tell.

    Means and rotations are those of ``fit_RNM``; the two sets of contexts must have no sequence in common, and may
    differ in number.

    Error: with few contexts for M·(M − 1)/2 numbers a rotation is uncertain, which lowers SNR.

    >>> h = np.random.default_rng(0).standard_normal((2, 9, 3))
    >>> both = np.stack([h, h[..., ::-1] + 4.0], axis=1)
    >>> found = aligned(both[0], both[1])
    >>> np.allclose(found[0], found[1])
    True
    """
    fit_RNM, read_RLM = _vectors(fit_RNM), _vectors(read_RLM)
    if fit_RNM.shape[::2] != read_RLM.shape[::2]:
        raise ValueError(f"{fit_RNM.shape} and {read_RLM.shape} differ in trainings or width; give those of one model.")
    mean_R1M = fit_RNM.mean(1, keepdims=True)
    return np.asarray((read_RLM - mean_R1M) @ rotations(fit_RNM - mean_R1M))


def _vectors(h_RNM: object) -> np.ndarray:
    h = numbers(h_RNM, "the vectors", axes=3)
    if not h.size:
        raise NoInformation(f"vectors of shape {h.shape} are none; give a training, a context and a width at least.")
    return h
