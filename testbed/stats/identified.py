"""What data can tell: values that are no numbers are refused, and a slope needs a rank, not a count of points."""

import functools
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import numpy as np
from jaxtyping import Float

LARGEST = 1e60
"""Magnitude up to which fourth powers of values, and their squares, stay inside float64; its inverse is the least."""

LONGEST = 1e30
"""Largest abscissa, and the inverse of the least, whose fifth power times a value stays inside float64."""

RANK = 1e-10
"""Smallest over largest singular value of a design, its columns of one length, below which rounding decides a fit."""

P = ParamSpec("P")
T = TypeVar("T")


class NoInformation(ValueError):
    """The data say nothing of what was asked; its one sentence stands where an estimate would."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no information: {why}")


def told(function: Callable[P, T]) -> Callable[P, T | str]:
    """Return a function that gives the sentence of `NoInformation` instead of raising it.

    >>> told(numbers)(np.array([1.0, np.nan]), "T")
    'no information: T holds nan at place 1; every value must be finite, so leave out or repeat what failed.'
    """

    @functools.wraps(function)
    def telling(*args: P.args, **options: P.kwargs) -> T | str:
        try:
            return function(*args, **options)
        except NoInformation as nothing:
            return str(nothing)

    return telling


def numbers(values: object, what: str, *, axes: int | None = 1, finite: bool = True) -> np.ndarray:
    """Return values as float64, or refuse what is no number, has other axes, is not finite, or overflows when squared.

    The largest magnitude must lie between 1e-60 and 1e60, or be zero: numbers far below the largest do no harm.

    >>> numbers([1, 2], "x").tolist()
    [1.0, 2.0]
    """
    raw = _array(values, what)
    if axes is not None and raw.ndim != axes:
        raise ValueError(f"{what} has {raw.ndim} axes; it must have {axes}, so reshape it.")
    found = raw.astype(np.float64)
    if finite and not np.isfinite(found).all():
        place = int(np.flatnonzero(~np.isfinite(found.ravel()))[0])
        raise NoInformation(
            f"{what} holds {found.ravel()[place]} at place {place}; every value must be finite, so leave out or repeat"
            " what failed."
        )
    most = float(np.abs(found).max(initial=0.0)) if finite else 0.0
    if most and not 1 / LARGEST <= most <= LARGEST:
        raise NoInformation(
            f"the largest magnitude of {what} is {most:g}; it must lie between {1 / LARGEST:g} and {LARGEST:g}, so"
            " change the unit or leave the value out."
        )
    return found


def positive(values: object, what: str) -> np.ndarray:
    """Return values as float64 that each lie between 1e-60 and 1e60, as errors and weights must.

    >>> positive([0.5], "errors").tolist()
    [0.5]
    """
    found = numbers(values, what)
    if not (found >= 1 / LARGEST).all():
        low = float(found.min())
        raise NoInformation(f"the least of {what} is {low:g}; each must be above zero, as a point without is certain.")
    return found


def abscissae(values: object, what: str) -> np.ndarray:
    """Return the places of points on a logarithmic axis as float64, each between 1e-30 and 1e30.

    >>> abscissae([16, 32], "lengths").tolist()
    [16.0, 32.0]
    """
    found = numbers(values, what)
    if not len(found) or not (found >= 1 / LONGEST).all() or not (found <= LONGEST).all():
        raise NoInformation(
            f"{what} {short(found)} must be one or more numbers that are positive, from {1 / LONGEST:g} to {LONGEST:g}."
        )
    return found


def counted(values: object, what: str, *, least: int) -> np.ndarray:
    """Return numbers of independent units as float64; fewer than so many have no spread.

    >>> counted([5, 3], "sequences", least=2).tolist()
    [5.0, 3.0]
    """
    found = numbers(values, what)
    if not len(found) or not (found >= least).all():
        raise NoInformation(f"{what} {short(found)} must each be {least} or more, so observe more of them.")
    return found


def alike(**lengths: int) -> None:
    """Refuse columns of different lengths.

    >>> alike(x=2, y=2)
    """
    if len(set(lengths.values())) > 1:
        told_N = ", ".join(f"{count} of {name}" for name, count in lengths.items())
        raise ValueError(f"{told_N} were given; each point has one of each, so give as many.")


def scaled(x: np.ndarray, *, by_row: bool = False) -> np.ndarray:
    """Return values divided by a power of two that brings the largest magnitude, of all or of each row, into [½, 1).

    The division is exact, so that what does not depend on the unit keeps every bit, and no square overflows.

    >>> scaled(np.array([3.0, -12.0])).tolist()
    [0.1875, -0.75]
    """
    most = np.abs(x).max(axis=-1, keepdims=True, initial=0.0) if by_row else np.abs(x).max(initial=0.0)
    return np.asarray(np.ldexp(x, -np.frexp(most)[1]))


def unitless(values: object, what: str) -> np.ndarray:
    """Return values of any magnitude as float64 without their unit, `scaled`; refuse what is not finite.

    >>> unitless([1e300, 5e299], "x").round(3).tolist()
    [0.747, 0.373]
    """
    return numbers(scaled(numbers(values, what, finite=False)), what)


def check_slope(
    x_N: Float[np.ndarray, "N"],
    groups: Sequence[object],
    covariance_NN: np.ndarray | None = None,
    *,
    logarithmic: bool = False,
) -> None:
    """Refuse points that leave open the slope on x, or on log x, that groups with an intercept each share.

    The rank of the design, intercepts and x, weighed by the covariance of the noise, must be one more than the number
    of groups: two abscissae of one group at least, that rounding tells apart.

    >>> check_slope(np.array([1.0, 2.0]), [0, 0])
    >>> told(check_slope)(np.array([16.0, 16.0, 32.0, 32.0]), [0, 0, 1, 1]).split(";")[0]
    'no information: abscissae 16, 16, 32, 32 do not differ within any group'
    """
    alike(abscissae=len(x_N), groups=len(groups))
    names = list(dict.fromkeys(groups))
    design_NQ = np.array([[float(group == name) for name in names] for group in groups]).reshape(len(x_N), -1)
    along_N = np.log(x_N) if logarithmic else scaled(x_N)
    size_N = np.abs(along_N) + logarithmic
    design_NQ = np.column_stack([design_NQ, along_N - along_N.mean()])
    if _rank(design_NQ, np.column_stack([design_NQ[:, :-1], size_N]), covariance_NN) <= len(names):
        raise NoInformation(
            f"abscissae {short(x_N)} do not differ within any group; a slope needs two of them in one group, so add"
            " points that differ."
        )


def check_curve(x_N: Float[np.ndarray, "N"], covariance_NN: np.ndarray | None = None) -> None:
    """Refuse points that leave open one of the three numbers of a bent curve in log x: fewer than three abscissae.

    >>> check_curve(np.array([1.0, 2.0, 3.0]))
    """
    along_N, power_3 = np.log(x_N), np.arange(3)
    size_N3 = (np.abs(along_N) + 1)[:, None] ** power_3
    if _rank((along_N - along_N.mean())[:, None] ** power_3, size_N3, covariance_NN) < 3:
        raise NoInformation(f"abscissae {short(x_N)} must be 3 or more of them different; so add points that differ.")


def short(x: np.ndarray) -> str:
    """Return the first values of an array as text, and how many there are if not all are told.

    >>> short(np.arange(9.0))
    '0, 1, 2, 3, … (9 in all)'
    """
    first = ", ".join(f"{value:.6g}" for value in x.ravel()[:4].tolist())
    return first if x.size <= 4 else f"{first}, … ({x.size} in all)"


def _array(values: object, what: str) -> np.ndarray:
    """Return an array of numbers, which objects, texts and ragged lists are not."""
    try:
        raw = np.asarray(values)
    except (ValueError, OverflowError) as problem:
        raise ValueError(f"{what} is no array of numbers; give rows of one length.") from problem
    if raw.dtype.kind not in "buif":
        raise ValueError(f"{what} holds {raw.dtype} and no real numbers; give float64.")
    return raw


def _rank(design_NQ: np.ndarray, size_NQ: np.ndarray, covariance_NN: np.ndarray | None) -> int:
    """Return the rank of a design weighed by the covariance of the noise, in units to which its columns are rounded."""
    if covariance_NN is not None:
        factor_NN = np.linalg.cholesky(covariance_NN)
        design_NQ, size_NQ = np.linalg.solve(factor_NN, design_NQ), np.linalg.solve(factor_NN, size_NQ)
    length_Q = np.linalg.norm(size_NQ, axis=0)
    return int(np.linalg.matrix_rank(design_NQ / np.where(length_Q > 0, length_Q, 1.0), rtol=RANK))
