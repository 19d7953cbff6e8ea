"""Scores as rises: how far each cell has come from the score of one who knows nothing to that of the Bayes law."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import NoInformation, alike, numbers, short
from testbed.stats.permutation import check_names

ROOM = 1e-6
"""Least distance between chance and ceiling in which a rise is told."""


class Rises(NamedTuple):
    """N cells: log SNR, the rise, the standard errors of both, and a number for the group whose noise a cell shares.

    A rise is (score − chance)/(ceiling − chance): 0 for one who knows nothing, 1 for the Bayes predictor; noise may
    carry it beyond. A group is what may share noise: a seed, a data draw; by default each cell is its own.
    """

    x_N: np.ndarray
    rise_N: np.ndarray
    x_error_N: np.ndarray
    error_N: np.ndarray
    group_N: np.ndarray

    @property
    def clustered(self) -> bool:
        """Whether some group holds more than one cell."""
        return bool((np.bincount(self.group_N) > 1).any())


def rises(
    log_snr_N: Float[np.ndarray, "N"],
    score_N: Float[np.ndarray, "N"],
    ends: tuple[object, object],
    errors: tuple[object, object] = (0.0, 0.0),
    seeds: Sequence[object] | None = None,
) -> Rises:
    """Return the rises of N cells from scores, with ``ends`` chance and ceiling, ``errors`` of log SNR and of score.

    Ends and errors are one number for all cells or one for each; an error of zero is one that is not known.

    Error: the ends are taken as exact; a ceiling of Monte Carlo adds its own error to every cell alike. NoInformation
    where a ceiling does not exceed chance: a cell whose contexts leave nothing to know has no rise.

    >>> rises(np.array([0.0, 1.0]), np.array([0.25, 0.55]), (0.1, 0.7)).rise_N.round(12).tolist()
    [0.25, 0.75]
    """
    x_N, score_N = numbers(log_snr_N, "log SNR"), numbers(score_N, "scores")
    alike(SNRs=len(x_N), scores=len(score_N))
    chance_N, ceiling_N = (_column(end, len(x_N), what) for end, what in zip(ends, ("chance", "ceiling"), strict=True))
    x_error_N, error_N = (
        np.abs(_column(error, len(x_N), what))
        for error, what in zip(errors, ("errors of log SNR", "errors of scores"), strict=True)
    )
    room_N = ceiling_N - chance_N
    if not (room_N >= ROOM).all():
        raise NoInformation(
            f"the room between chance and ceiling is {short(room_N)}; each must be {ROOM:g} or more, so leave such"
            " cells out."
        )
    names = range(len(x_N)) if seeds is None else seeds
    alike(scores=len(x_N), seeds=len(names))
    check_names(names)
    numbered = {name: at for at, name in enumerate(dict.fromkeys(names))}
    group_N = np.array([numbered[name] for name in names], dtype=np.int64)
    rise_N = numbers((score_N - chance_N) / room_N, "rises")
    return Rises(x_N, rise_N, x_error_N, numbers(error_N / room_N, "errors of rises"), group_N)


def _column(values: object, count: int, what: str) -> np.ndarray:
    """Return one number for each cell, from one for all or one for each."""
    found = numbers(values, what, axes=None)
    if found.ndim == 0:
        return np.full(count, float(found))
    found = numbers(values, what)
    alike(cells=count, **{what.replace(" ", "_"): len(found)})
    return found
