"""One column over the cells of a grid against another: what each cell does to the line, what groups allow to say."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import RANK, NoInformation, alike, numbers, scaled, short
from testbed.stats.jackknife import corrected
from testbed.stats.permutation import check_names, orders

CERTAIN = 1e-9
"""Leverages closer to 1, and scatter smaller relative to its column, are rounding."""
FEWEST_GROUPS = 3
TIE = 1e-9
"""Correlations closer than this count as equal: sums in another order round apart."""


class Regression(NamedTuple):
    """The slope of y on x, and what each of N cells does to it.

    Leverage; the residual in units of its own error, which is found without the cell; and Cook's distance, by how much
    the fit moves when the cell is left out.
    """

    slope: Estimate
    leverage_N: Float[np.ndarray, " N"]
    residual_N: Float[np.ndarray, " N"]
    cook_N: Float[np.ndarray, " N"]


class Permuted(NamedTuple):
    """A correlation, the share of ``permutations`` that show no less, and whether these are all there are."""

    correlation: float
    p_value: float
    permutations: int
    exact: bool


def regression(
    y_N: Float[np.ndarray, "N"], x_N: Float[np.ndarray, "N"], controls_NC: Float[np.ndarray, "N C"], *, level: float
) -> Regression:
    """Return the least-squares line of y on x, an intercept and C further columns, and what each cell does to it.

    leverage h_n, the diagonal of Z(ZᵀZ)⁻¹Zᵀ over all C + 2 columns; residual e_n/(s_(n)·√(1 − h_n)), Student's t under
    the model; Cook's distance e_n²·h_n/((C + 2)·s²·(1 − h_n)²). No controls are a table of no columns.

    Error: the interval of the slope takes cells as independent; where cells of a group are not, see `by_group`.
    NoInformation where columns depend on each other, a cell alone decides a coefficient, or nothing scatters.
    Source: Belsley, Kuh and Welsch, Regression Diagnostics (1980); Cook (1977).

    >>> x, y = np.arange(5.0), np.array([0.0, 1.0, 3.0, 3.0, 9.0])
    >>> found = regression(y, x, np.zeros((5, 0)), level=0.95)
    >>> found.slope.value, found.leverage_N.round(3).tolist(), int(found.cook_N.argmax())
    (2.0, [0.6, 0.3, 0.2, 0.3, 0.6], 4)
    """
    y_N, x_N, others_NC = _columns(y_N, x_N, controls_NC)
    cells, count = len(y_N), others_NC.shape[1] + 1
    freedom = cells - count
    if freedom < 2:
        raise NoInformation(
            f"{cells} cells for {count} coefficients leave no scatter to tell; use {count + 2} or more."
        )
    base_NQ = _base(np.column_stack([others_NC, x_N]))
    along_N = _rest(x_N, _base(others_NC))
    leverage_N = np.sum(base_NQ**2, axis=1)
    if leverage_N.max() > 1 - CERTAIN:
        raise NoInformation(f"cell {int(leverage_N.argmax())} alone decides a coefficient; add others like it.")
    rest_N, left_N = _rest(y_N, base_NQ), 1 - leverage_N
    squares = float(rest_N @ rest_N)
    without_N = (squares - rest_N**2 / left_N) / (freedom - 1)
    if not without_N.min() > CERTAIN**2 * float(y_N @ y_N):
        raise NoInformation("nothing scatters about the line, or one cell alone does; so no residual has a scale.")
    length = float(along_N @ along_N)
    slope, error = float(along_N @ y_N) / length, math.sqrt(squares / freedom / length)
    half = critical(level, float(freedom)) * error
    return Regression(
        Estimate(
            value=slope, low=slope - half, high=slope + half, level=level, n=cells,
            method="least squares, cells independent",
        ),
        leverage_N,
        rest_N / np.sqrt(without_N * left_N),
        rest_N**2 * leverage_N * freedom / (count * squares * left_N**2),
    )  # fmt: skip


def partial(
    y_N: Float[np.ndarray, "N"], x_N: Float[np.ndarray, "N"], controls_NC: Float[np.ndarray, "N C"], *, level: float
) -> Estimate:
    """Return the correlation of y and x given C controls, with Fisher's interval.

    r of the residuals of both on an intercept and the controls; atanh r ± z/√(N − C − 3).

    Error: for independent Gaussian cells; with cells alike in groups far too narrow, see `by_group`.
    Source: Fisher (1924), The distribution of the partial correlation coefficient.

    >>> x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    >>> found = partial(x + np.array([1.0, -1, 1, -1, 1, -1]), x, np.zeros((6, 0)), level=0.95)
    >>> round(found.low, 3), round(found.value, 3), round(found.high, 3)
    (0.052, 0.829, 0.981)
    """
    y_N, x_N, others_NC = _columns(y_N, x_N, controls_NC)
    freedom = len(y_N) - others_NC.shape[1] - 2
    if freedom < 1:
        raise NoInformation(
            f"{len(y_N)} cells with {others_NC.shape[1] - 1} controls have no interval; use more cells."
        )
    found = _correlation(y_N, x_N, others_NC)
    half = critical(level, math.inf) / math.sqrt(freedom)
    return _on_the_line(math.atanh(found), half, level, len(y_N), "partial correlation, Fisher")


def by_group(
    y_N: Float[np.ndarray, "N"],
    x_N: Float[np.ndarray, "N"],
    controls_NC: Float[np.ndarray, "N C"],
    groups: Sequence[object],
    *,
    level: float,
) -> Estimate:
    """Return the correlation of y and x given controls, whole groups left out in turn for its interval.

    The delete-one jackknife of atanh r over G groups, with Student's t on G − 1 degrees of freedom: cells of a group
    may depend on each other in any way, groups may not.

    Error: covers 93–98 % at 95 % from 4 groups on, and Fisher's interval 55–70 % where nine tenths of the variance are
    common to the cells of a group. A control that is constant in a group takes a degree of freedom from the groups.
    Source: Tukey (1958); Miller, The jackknife: a review (Biometrika 61, 1974), for atanh r.

    >>> x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 6.0])
    >>> round(by_group(x**2, x, np.zeros((6, 0)), [0, 0, 1, 1, 2, 2], level=0.95).value, 2)
    0.95
    """
    y_N, x_N, others_NC = _columns(y_N, x_N, controls_NC)
    alike(cells=len(y_N), groups=len(groups))
    check_names(groups)
    names = list(dict.fromkeys(groups))
    if len(names) < FEWEST_GROUPS:
        raise NoInformation(f"{len(names)} groups have no spread to tell; use {FEWEST_GROUPS} or more.")
    kept_GN = np.array([[group != name for group in groups] for name in names])
    without_G = np.array([math.atanh(_correlation(y_N[kept], x_N[kept], others_NC[kept])) for kept in kept_GN])
    whole = math.atanh(_correlation(y_N, x_N, others_NC))
    _, error = corrected(whole, without_G)
    if not error > CERTAIN:
        raise NoInformation("no group changes the correlation, as copies of one do; give groups of their own.")
    half = critical(level, len(names) - 1.0) * error
    return _on_the_line(whole, half, level, len(names), "partial correlation, groups left out in turn")


def permuted(
    y_N: Float[np.ndarray, "N"],
    x_N: Float[np.ndarray, "N"],
    controls_NC: Float[np.ndarray, "N C"],
    groups: Sequence[object],
    *,
    most: int,
    seed: int,
) -> Permuted:
    """Return the correlation of y and x given controls, beside what it is when x is dealt out anew to whole groups.

    x keeps its order within a group, and groups of as many cells change places. If no more than ``most`` such
    permutations exist, all are visited and p = the share with abs(r) no less than the one seen; else as many are drawn
    and p = (1 + those)/(1 + drawn). With controls, the residuals of x on them change places (Freedman and Lane).

    Error: p holds its level exactly where groups are exchangeable, whatever the cells of a group have in common, if no
    controls are given or they are the same in every group; with other controls nearly: 5–8 % at 5 % for 4 to 8 groups.
    Single cells as groups reject at 30–42 % where nine tenths of the variance are common to a group. No p is below
    1/permutations: with 3 groups nothing is rejected at 5 %.
    Source: Freedman and Lane (1983); Winkler et al. (NeuroImage 92, 2014), whole-block exchangeability.

    >>> x = np.repeat([3.0, 1.0, 2.0, 5.0, 4.0], 2)
    >>> y, groups = 2 * x + np.tile([0.0, 0.1], 5), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    >>> found = permuted(y, x, np.zeros((10, 0)), groups, most=999, seed=0)
    >>> found.permutations, found.exact, round(found.p_value * 120)
    (120, True, 2)
    """
    y_N, x_N, others_NC = _columns(y_N, x_N, controls_NC)
    alike(cells=len(y_N), groups=len(groups))
    seen = _correlation(y_N, x_N, others_NC)
    base_NC = _base(others_NC)
    y_N, x_N = (_rest(column_N, base_NC) for column_N in (y_N, x_N))
    dealt = orders(groups, most=most, seed=seed)
    shown_T = np.array([abs(_cosine(y_N, _rest(x_N[order_N], base_NC))) for order_N in dealt.order_TN])
    extreme, tries = int(np.sum(shown_T >= abs(seen) - TIE)), len(shown_T)
    p_value = extreme / tries if dealt.exact else (1 + extreme) / (1 + tries)
    return Permuted(seen, p_value, tries, dealt.exact)


def _columns(y_N: np.ndarray, x_N: np.ndarray, controls_NC: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return y, x, and the intercept with the controls, as float64, or refuse what does not belong together."""
    y_N, x_N, controls_NC = numbers(y_N, "y"), numbers(x_N, "x"), numbers(controls_NC, "controls", axes=2)
    alike(y=len(y_N), x=len(x_N), controls=len(controls_NC))
    unit_CN = [scaled(column_N) for column_N in controls_NC.T]
    return y_N, x_N, np.column_stack([np.ones(len(y_N)), *unit_CN])


def _base(columns_NQ: np.ndarray) -> np.ndarray:
    """Return an orthonormal base of what columns span, or refuse columns that depend on each other."""
    length_Q = np.linalg.norm(columns_NQ, axis=0)
    unit_NQ = columns_NQ / np.where(length_Q > 0, length_Q, 1.0)
    if len(unit_NQ) < unit_NQ.shape[1] or np.linalg.matrix_rank(unit_NQ, rtol=RANK) < unit_NQ.shape[1]:
        raise NoInformation("x and the controls depend on each other or on a constant; leave one out, or add cells.")
    return np.asarray(np.linalg.qr(unit_NQ)[0])


def _rest(column_N: np.ndarray, base_NQ: np.ndarray) -> np.ndarray:
    """Return what is left of a column off a base; twice, as rounding of the first time is then taken off too."""
    once_N = column_N - base_NQ @ (base_NQ.T @ column_N)
    return np.asarray(once_N - base_NQ @ (base_NQ.T @ once_N))


def _cosine(y_N: np.ndarray, x_N: np.ndarray) -> float:
    """Return the correlation of two residuals; of one that vanishes, zero."""
    y_N, x_N = scaled(y_N), scaled(x_N)
    length = math.sqrt(float(y_N @ y_N) * float(x_N @ x_N))
    return float(y_N @ x_N) / length if length > 0 else 0.0


def _correlation(y_N: np.ndarray, x_N: np.ndarray, others_NC: np.ndarray) -> float:
    """Return the partial correlation, strictly between −1 and 1, or refuse columns that leave no scatter."""
    base_NC = _base(others_NC)
    rest_2N = [_rest(column_N, base_NC) for column_N in (y_N, x_N)]
    for rest_N, column_N in zip(rest_2N, (y_N, x_N), strict=True):
        if not np.abs(rest_N).max() > CERTAIN * np.abs(column_N).max():
            raise NoInformation(f"{short(column_N)} are what the controls make of them; nothing is left to correlate.")
    found = _cosine(*rest_2N)
    if not abs(found) < 1 - CERTAIN:
        raise NoInformation("y is x up to rounding, given the controls; so their correlation has no scatter.")
    return found


def _on_the_line(whole: float, half: float, level: float, units: int, method: str) -> Estimate:
    """Return tanh of an interval around atanh r."""
    low, value, high = (math.tanh(each) for each in (whole - half, whole, whole + half))
    return Estimate(value=value, low=low, high=high, level=level, n=units, method=method)
