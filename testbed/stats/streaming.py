"""Moments of vectors that pass by in a stream: sums whose size does not depend on how many vectors there were.

With y = x − c for a fixed centre c near the mean, z = (1, y, |y|²) and Z = Σ z zᵀ, all of the following are functions
of Z: the count, the mean, the covariance, and the jackknifed error of the total variance. A change of centre is
linear in z, so that streams with different centres can be added.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import NoInformation, alike, numbers

NEEDED = 3


class Sums(NamedTuple):
    """Z = Σ z zᵀ over the vectors of a stream, z = (1, x − centre, |x − centre|²), W = M + 2 numbers."""

    centre_M: Float[np.ndarray, "M"]
    second_WW: Float[np.ndarray, "W W"]

    @property
    def vectors(self) -> int:
        """Return how many vectors passed."""
        return round(float(self.second_WW[0, 0]))

    @property
    def mean_M(self) -> Float[np.ndarray, "M"]:
        """Return the mean vector."""
        _checked(self, "mean", fewest=1)
        return np.asarray(self.centre_M + self.second_WW[0, 1:-1] / self.second_WW[0, 0])

    def about(self, centre_M: Float[np.ndarray, "M"]) -> "Sums":
        """Return the same sums with another centre.

        Error: rounding, of the order of the squared distance of the two centres in units of the spread.
        """
        alike(coordinates=len(self.centre_M), others=len(centre_M))
        _checked(self, "sums", fewest=0)
        off_M = self.centre_M - numbers(centre_M, "the centre")
        move_WW = np.eye(len(self.second_WW))
        move_WW[1:-1, 0] = off_M
        move_WW[-1, 1:-1] = 2 * off_M
        move_WW[-1, 0] = off_M @ off_M
        return Sums(centre_M, move_WW @ self.second_WW @ move_WW.T)

    def covariance_MM(self) -> Float[np.ndarray, "M M"]:
        """Return the covariance with the divisor S − 1."""
        _checked(self, "covariance", fewest=2)
        return np.asarray(self.about(self.mean_M).second_WW[1:-1, 1:-1] / (self.vectors - 1))


def sums(x_SM: Float[np.ndarray, "S M"], centre_M: Float[np.ndarray, "M"]) -> Sums:
    """Return the sums of vectors at hand.

    >>> found = sums(np.array([[1.0], [2.0], [3.0], [6.0]]), np.array([2.0]))
    >>> found.vectors, found.mean_M.tolist(), found.covariance_MM().round(6).tolist()
    (4, [3.0], [[4.666667]])
    """
    x_SM, centre_M = numbers(x_SM, "the vectors", axes=2), numbers(centre_M, "the centre")
    alike(coordinates=x_SM.shape[1], centre=len(centre_M))
    y_SM = x_SM - centre_M
    z_SW = np.concatenate([np.ones((len(y_SM), 1)), y_SM, np.square(y_SM).sum(1, keepdims=True)], axis=1)
    return Sums(centre_M, z_SW.T @ z_SW)


def total(streams: Sequence[Sums]) -> Sums:
    """Return the sums of all streams as of one, about the mean of all.

    >>> halves = [sums(np.array([[1.0], [2.0]]), np.zeros(1)), sums(np.array([[3.0], [6.0]]), np.ones(1))]
    >>> total(halves).mean_M.tolist()
    [3.0]
    """
    seen = [_checked(each, "mean", fewest=1) for each in streams if each.second_WW[0, 0] != 0]
    if not seen:
        raise NoInformation("no vector passed in any stream; observe some sequences.")
    alike(**{f"coordinates of stream {index}": len(each.centre_M) for index, each in enumerate(seen)})
    mean_M = np.sum([each.vectors * each.mean_M for each in seen], axis=0) / sum(each.vectors for each in seen)
    return Sums(mean_M, np.sum([each.about(mean_M).second_WW for each in seen], axis=0))


def variance(stream: Sums) -> tuple[float, float]:
    """Return T = Σ|x − mean|²/(S − 1) and its jackknifed standard error, as `decay.variance_error` of the vectors.

    Error: as there; rounding of about 1e-16 times the squared distance of centre and mean in units of the spread.

    >>> variance(sums(np.array([[1.0], [2.0], [3.0], [6.0]]), np.zeros(1)))[0].__round__(9)
    4.666666667
    """
    count = _checked(stream, "error of a variance", fewest=NEEDED).vectors
    centred_WW = stream.about(stream.mean_M).second_WW
    squares = max(float(centred_WW[0, -1]), 0.0)
    scatter = max(float(centred_WW[-1, -1]) - squares**2 / count, 0.0)
    return squares / (count - 1), (count / (count - 1) * scatter) ** 0.5 / (count - 2)


def variance_within(streams: Sequence[Sums]) -> tuple[float, float]:
    """Return Σ_q (S_q/S)·T_q over groups q with S_q of S vectors, and its standard error.

    With q the query token it is the mean of T given q: each T_q has the error of its own sample, and S_q/S that of the
    frequency of q.

    Error: groups of fewer than three vectors are left out, with their weight; where few queries are frequent that is
    a share of the order of V/S.

    >>> groups = [sums(np.array([[0.0], [1.0], [2.0]]), np.zeros(1)), sums(np.array([[5.0], [5.0], [8.0]]), np.ones(1))]
    >>> round(variance_within(groups)[0], 9)
    2.0
    """
    seen = [each for each in streams if not each.second_WW[0, 0] < NEEDED]
    if not seen:
        raise ValueError(f"no group holds {NEEDED} vectors; observe more sequences, or a world of fewer symbols.")
    share_Q = np.array([each.vectors for each in seen], float) / sum(each.vectors for each in seen)
    t_Q, error_Q = np.array([variance(each) for each in seen]).T
    mean = float(share_Q @ t_Q)
    frequencies = float(share_Q @ (t_Q - mean) ** 2) / sum(each.vectors for each in seen)
    return mean, float(np.sqrt(np.square(share_Q * error_Q).sum() + frequencies))


def _checked(stream: Sums, what: str, *, fewest: int) -> Sums:
    """Return a stream of so many vectors whose sums are finite, or refuse it."""
    if not np.isfinite(stream.second_WW).all():
        raise NoInformation("a vector that passed is not finite, or its square overflows; so its spread is unknown.")
    if stream.vectors < fewest:
        raise ValueError(f"{stream.vectors} vectors give no {what}; use {fewest}, and rather some hundred.")
    return stream
