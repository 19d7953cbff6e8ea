"""Means of crossed designs: replicates in rows, shared evaluation sequences in columns, noise from both.

Every quantity of a study (a mean divergence for each cell group) becomes one entry of one vector, and every way in
which it is noisy becomes one covariance with its degrees of freedom. Any contrast then gets an interval that counts all
of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import NoInformation, alike, counted, numbers, scaled


class Block(NamedTuple):
    """Q quantities measured on the same R replicates and the B sequences that all blocks share.

    ``factors`` holds one label per replicate for every factor whose levels were drawn independently (a seed, a data
    draw).
    """

    values_RBQ: np.ndarray
    factors: tuple[tuple[int, ...], ...]


class Moments(NamedTuple):
    """Means of Q quantities, and the covariance of these means from each of F independent kinds of noise.

    ``block_F`` says in which block each noise arises (−1: the shared sequences). ``blind_Q`` marks the quantities seen
    on one replicate only: their noise is unknown, not absent.
    """

    mean_Q: np.ndarray
    covariance_FQQ: np.ndarray
    freedom_F: np.ndarray
    block_F: np.ndarray
    blind_Q: np.ndarray
    n: int

    def covariance(self) -> Float[np.ndarray, "Q Q"]:
        """Return the total covariance of the means."""
        return np.asarray(self.covariance_FQQ.sum(0))

    def transform(self, map_NQ: Float[np.ndarray, "N Q"]) -> "Moments":
        """Return the moments of N linear functions of the quantities."""
        map_NQ = numbers(map_NQ, "the map", axes=2)
        alike(columns=map_NQ.shape[1], quantities=len(self.mean_Q))
        return Moments(
            map_NQ @ self.mean_Q,
            np.einsum("nq,fqp,mp->fnm", map_NQ, self.covariance_FQQ, map_NQ),
            self.freedom_F,
            self.block_F,
            (np.abs(map_NQ) @ self.blind_Q) > 0,
            self.n,
        )


def moments(blocks: Sequence[Block]) -> Moments:
    """Return the means of all blocks' quantities (in order) with the noise of replicates and of sequences.

    The noise of a factor with n levels is the covariance of its level means over n; that of the B sequences, common to
    all blocks, the covariance over sequences of the replicate means over B. Replicates that agree to the last bit on
    sequences that differ are copies of one, whose noise is as unknown as that of one.

    Error: each covariance also holds its share of the interaction, so that their sum errs on the wide side.

    >>> found = moments([Block(np.array([[[1.0], [3.0]], [[2.0], [4.0]]]), ((0, 1),))])
    >>> found.mean_Q.tolist(), found.covariance().tolist()
    ([2.5], [[1.25]])
    """
    blocks = [_checked(block) for block in blocks]
    alike(**{f"sequences in block {index}": block.values_RBQ.shape[1] for index, block in enumerate(blocks)})
    if not blocks:
        raise ValueError("no blocks were given; moments need one or more.")
    sequences_BQ = np.concatenate([block.values_RBQ.mean(0) for block in blocks], axis=-1)
    quantities = sequences_BQ.shape[1]
    parts, freedom, origin = [], [], []
    blind_Q = np.zeros(quantities, dtype=bool)
    start = 0
    for position, block in enumerate(blocks):
        here = slice(start, start + block.values_RBQ.shape[2])
        blind_Q[here] |= _copies(block.values_RBQ)
        for labels in block.factors:
            levels_NQ = _level_means(block.values_RBQ.mean(1), labels)
            blind_Q[here] |= len(levels_NQ) < 2
            if len(levels_NQ) > 1:
                part_QQ = np.zeros((quantities, quantities))
                part_QQ[here, here] = _covariance_of_mean(levels_NQ)
                parts.append(part_QQ)
                freedom.append(len(levels_NQ) - 1)
                origin.append(position)
        start = here.stop
    if len(sequences_BQ) > 1:
        parts.append(_covariance_of_mean(sequences_BQ))
        freedom.append(len(sequences_BQ) - 1)
        origin.append(-1)
    parts_FQQ = np.array(parts).reshape(-1, quantities, quantities)
    n = min(len(set(labels)) for block in blocks for labels in block.factors)
    return Moments(
        sequences_BQ.mean(0), parts_FQQ, np.array(freedom, dtype=float), np.array(origin, dtype=int), blind_Q, n
    )


def known(
    mean_Q: Float[np.ndarray, "Q"], error_Q: Float[np.ndarray, "Q"], freedom_Q: Float[np.ndarray, "Q"]
) -> Moments:
    """Return the moments of independent quantities with given standard errors and degrees of freedom.

    >>> known(np.array([1.0, 2.0]), np.array([0.5, 0.1]), np.array([3.0, 9.0])).covariance().diagonal().tolist()
    [0.25, 0.010000000000000002]
    """
    alike(means=len(mean_Q), errors=len(error_Q), freedoms=len(freedom_Q))
    mean_Q, error_Q = numbers(mean_Q, "the means"), numbers(error_Q, "the errors")
    freedom_Q = counted(freedom_Q, "degrees of freedom", least=1)
    if (error_Q < 0).any():
        raise ValueError(f"an error of {error_Q.min():g} is below zero; give standard errors.")
    count = len(mean_Q)
    covariance_FQQ = np.einsum("f,fq,fp->fqp", error_Q**2, np.eye(count), np.eye(count))
    n = int(freedom_Q.min()) + 1
    return Moments(mean_Q, covariance_FQQ, freedom_Q, np.arange(count), np.zeros(count, dtype=bool), n)


def joined(first: Moments, second: Moments) -> Moments:
    """Return two independent sets of moments as one.

    >>> one = known(np.array([1.0]), np.array([0.5]), np.array([3.0]))
    >>> joined(one, one).mean_Q.tolist()
    [1.0, 1.0]
    """
    left, right = len(first.mean_Q), len(second.mean_Q)
    return Moments(
        np.concatenate([first.mean_Q, second.mean_Q]),
        np.concatenate(
            [
                np.pad(first.covariance_FQQ, ((0, 0), (0, right), (0, right))),
                np.pad(second.covariance_FQQ, ((0, 0), (left, 0), (left, 0))),
            ]
        ),
        np.concatenate([first.freedom_F, second.freedom_F]),
        np.concatenate([first.block_F, second.block_F]),
        np.concatenate([first.blind_Q, second.blind_Q]),
        min(first.n, second.n),
    )


def smoothed(found: Moments) -> Moments:
    """Return the moments of blocks of one quantity with one coefficient of variation for all their replicates.

    Error: a model of the noise, good enough to weigh points by; intervals use the noise that was seen.

    >>> seen = known(np.array([1.0, 2.0]), np.array([0.1, 0.1]), np.array([2.0, 2.0]))
    >>> smoothed(seen).covariance().diagonal().round(6)
    array([0.00625, 0.025  ])
    """
    own_F = found.block_F >= 0
    if not own_F.any():
        return found
    index_F = found.block_F[own_F]
    size_F, freedom_F = found.mean_Q[index_F] ** 2, found.freedom_F[own_F]
    if not (size_F > 0).all():
        raise NoInformation("a mean of zero has no coefficient of variation; leave it out.")
    seen_F = found.covariance_FQQ[own_F, index_F, index_F]
    squared = np.sum(freedom_F * (freedom_F + 1) * seen_F / size_F) / np.sum(freedom_F)
    smooth_FQQ = found.covariance_FQQ.copy()
    smooth_FQQ[own_F, index_F, index_F] = squared * size_F / (freedom_F + 1)
    return found._replace(covariance_FQQ=smooth_FQQ)


def spread(found: Moments, weights_Q: Float[np.ndarray, "Q"]) -> tuple[float, float]:
    """Return the standard error of a contrast and its degrees of freedom (Satterthwaite).

    Error: infinite standard error where a quantity in the contrast was seen on one replicate only.

    >>> spread(known(np.zeros(1), np.array([2.0]), np.array([3.0])), np.ones(1))
    (2.0, 3.0)
    """
    error_1, freedom_1 = spreads(found, weights_Q[None])
    return float(error_1[0]), float(freedom_1[0])


def spreads(
    found: Moments, weights_EQ: Float[np.ndarray, "E Q"]
) -> tuple[Float[np.ndarray, " E"], Float[np.ndarray, " E"]]:
    """Return what `spread` tells, of E contrasts.

    >>> spreads(known(np.zeros(1), np.array([2.0]), np.array([3.0])), np.array([[1.0], [0.0]]))[0].tolist()
    [2.0, 0.0]
    """
    weights_EQ = np.asarray(weights_EQ, np.float64)
    alike(weights=weights_EQ.shape[1], quantities=len(found.mean_Q))
    variance_EF = np.sum(weights_EQ @ found.covariance_FQQ * weights_EQ, axis=-1).T
    total_E, unit_EF = variance_EF.sum(1), scaled(variance_EF, by_row=True)
    parts_E = np.sum(unit_EF**2 / found.freedom_F, axis=1)
    freedom_E = np.divide(unit_EF.sum(1) ** 2, parts_E, out=np.ones_like(total_E), where=total_E > 0)
    blind_E = (found.blind_Q & (weights_EQ != 0)).any(1)
    error_E = np.sqrt(np.maximum(total_E, 0))
    return np.where(blind_E, np.inf, error_E), np.where(blind_E, 1.0, freedom_E)


def contrast(found: Moments, weights_Q: Float[np.ndarray, "Q"], *, level: float) -> Estimate:
    """Return Σ_q weight_q · mean_q with Student's interval over every kind of noise.

    Error: approximate when several kinds of noise mix (Satterthwaite's degrees of freedom).

    >>> seen = known(np.array([1.0]), np.array([1.0]), np.array([2.0]))
    >>> round(contrast(seen, np.ones(1), level=0.95).high, 3)
    5.303
    """
    weights_Q = numbers(weights_Q, "weights")
    alike(weights=len(weights_Q), quantities=len(found.mean_Q))
    value = float(weights_Q @ found.mean_Q)
    error, freedom = spread(found, weights_Q)
    half = critical(level, freedom) * error
    method = "Student t, all noise counted" if np.isfinite(half) else "one replicate: no interval"
    method += "; no noise was seen, all values are equal" if half == 0 else ""
    return Estimate(value=value, low=value - half, high=value + half, level=level, n=found.n, method=method)


def _checked(block: Block) -> Block:
    """Return a block of finite values with a label per replicate for each factor, or refuse it."""
    values_RBQ = numbers(block.values_RBQ, "the replicates", axes=3)
    if not values_RBQ.size or not block.factors:
        raise NoInformation("a block is empty; give one replicate, one sequence and one factor at least.")
    alike(replicates=len(values_RBQ), **{f"labels {index}": len(each) for index, each in enumerate(block.factors)})
    return Block(values_RBQ, block.factors)


def _copies(values_RBQ: np.ndarray) -> np.ndarray:
    """Return which quantities differ between sequences and in no bit between two or more replicates."""
    same_Q = (values_RBQ == values_RBQ[:1]).all((0, 1))
    return np.asarray(same_Q & (values_RBQ[0] != values_RBQ[0, :1]).any(0) & (len(values_RBQ) > 1))


def _level_means(values_RQ: np.ndarray, labels: Sequence[int]) -> np.ndarray:
    """Average the replicates that share a level of the factor."""
    label_R = np.asarray(labels)
    if len(set(labels)) == len(labels):
        return np.asarray(values_RQ[np.argsort(label_R)])
    return np.stack([values_RQ[label_R == label].mean(0) for label in sorted(set(labels))])


def _covariance_of_mean(values_NQ: np.ndarray) -> np.ndarray:
    """Covariance of the mean of independent rows."""
    centred_NQ = values_NQ - values_NQ.mean(0)
    n = len(values_NQ)
    return np.asarray(centred_NQ.T @ centred_NQ / (n * (n - 1)))
