"""The plane log SNR = c + a·log D + log Φ(P) − b·log σ² over cells, Φ free at every P, and what it leaves unsaid."""

from typing import NamedTuple

import numpy as np

from testbed.stats.combine import each_level, smallest
from testbed.stats.estimate import Estimate, check_level, critical
from testbed.stats.identified import RANK, abscissae, alike, numbers
from testbed.stats.moments import Moments, known, spread
from testbed.stats.signal.moderated import moderated

SAME = 1e-9
"""Logarithms closer than this are of one number."""


class Cells(NamedTuple):
    """N cells with independent log SNR: its error, the error's degrees of freedom, and tokens D, parameters P, σ²."""

    log_snr_N: np.ndarray
    error_N: np.ndarray
    freedom_N: np.ndarray
    tokens_N: np.ndarray
    params_N: np.ndarray
    variance_N: np.ndarray


class Plane(NamedTuple):
    """The powers a of D and b of 1/σ², and log Φ over that of the smallest P; a sentence where cells leave one open.

    ``profile`` goes with the second P and those above it. ``least_rise`` is the smallest step of log Φ to the next P,
    by intervals that hold for all steps at once. ``extra`` is the scatter of log SNR about the plane beyond the errors,
    ``lack_of_fit`` the p-value of none (NaN: nothing to test); residuals are in units of the cells' errors.
    """

    tokens: Estimate | str
    noise: Estimate | str
    params_P: np.ndarray
    profile: tuple[Estimate | str, ...]
    least_rise: Estimate | str
    extra: float
    lack_of_fit: float
    residual_N: np.ndarray


class _Fit(NamedTuple):
    """The weighed design of a column per P, D and −σ², its inverse, and the residuals: in units of the errors."""

    weight_N: np.ndarray
    design_NQ: np.ndarray
    inverse_QN: np.ndarray
    residual_N: np.ndarray
    kept_N: np.ndarray

    @property
    def left(self) -> int:
        """Return the degrees of freedom of the residuals."""
        return round(float(self.kept_N.sum()))

    @property
    def scatter(self) -> float:
        """Return χ²/ν."""
        return float(self.residual_N @ self.residual_N) / self.left

    def told(self, contrast_Q: np.ndarray, found: Moments, what: str, level: float) -> Estimate | str:
        """Return a contrast of coefficients, or the sentence that the cells leave it open."""
        if not np.abs(contrast_Q @ self.inverse_QN @ self.design_NQ - contrast_Q).max() < SAME:
            return f"no information: the cells leave {what} open: it never changes alone; add cells in which it does."
        weights_N = contrast_Q @ self.inverse_QN * self.weight_N
        error, freedom = spread(found, weights_N)
        value, half = float(weights_N @ found.mean_Q), critical(level, freedom) * error
        method = "weighted least squares, Student t"
        return Estimate(value=value, low=value - half, high=value + half, level=level, n=len(weights_N), method=method)


def plane(cells: Cells, *, level: float) -> Plane:
    """Return the weighted least-squares plane log SNR = log Φ(P) + a·log D − b·log σ², c and Φ as one factor of P.

    A coefficient is told if the design has the rank for it, whatever the others. Errors are steadied by each other
    (`moderated`), weights are 1/error² and intervals Student's on the errors' degrees of freedom (Satterthwaite). The
    scatter χ²/ν about the plane is put over what noisy errors make of it, as Welch did for groups,
    1 + 2(ν − 1)/(ν(ν + 2))·Λ with Λ = Σ(1 − leverage)²/freedom, and tested by F on ν and ν(ν + 2)/(3Λ). Where it is
    more, a scatter τ is added to every error, in squares, such that it is not (Mandel and Paule), cells are weighed
    anew, and intervals are Student's on ν degrees of freedom.

    Error: covers a, b and Φ by 92–98 % at 95 % on 6 to 27 cells, errors of 3 degrees of freedom or more, with and
    without a scatter beyond them; the test of the fit rejects 2–7 % at 5 %. τ is taken as independent from cell to
    cell: ``lack_of_fit`` tells of it, and opposite slopes, which cancel in one, are told by `local.local_slopes`.
    Source: Welch (Biometrika 38, 1951); Mandel and Paule (Anal. Chem. 42, 1970); Hartung and Knapp (2001).

    >>> tokens, params = np.tile([1e3, 2e3, 4e3], 2), np.repeat([10.0, 20.0], 3)
    >>> y = np.log(tokens) + np.repeat([0.0, 0.5], 3) + np.array([0.01, -0.01, 0, 0, 0.01, -0.01])
    >>> found = plane(Cells(y, np.full(6, 0.01), np.full(6, 50.0), tokens, params, np.ones(6)), level=0.95)
    >>> round(found.tokens.value, 2), round(found.profile[0].value, 2), found.noise.split(":")[1]
    (0.99, 0.5, ' the cells leave the power of σ² open')
    """
    check_level(level)
    cells = checked(cells)
    params_P, group_N = np.unique(cells.params_N, return_inverse=True)
    columns = [group_N == group for group in range(len(params_P))]
    design_NQ = np.column_stack([*columns, _along(cells.tokens_N), -_along(cells.variance_N)])
    fit = _fitted(cells.log_snr_N, cells.error_N, design_NQ)
    extra, lack_of_fit, residual_N = _misfit(cells, fit)
    found = known(cells.log_snr_N, cells.error_N, cells.freedom_N)
    if extra > 0:
        error_N = np.hypot(cells.error_N, extra)
        fit = _fitted(cells.log_snr_N, error_N, design_NQ)
        found = _scattered(cells.log_snr_N, error_N * max(fit.scatter, 1.0) ** 0.5, fit.left)
    unit_QQ = np.eye(design_NQ.shape[1])
    above = [fit.told(one_Q - unit_QQ[0], found, "Φ", level) for one_Q in unit_QQ[1 : len(params_P)]]
    return Plane(
        fit.told(unit_QQ[-2], found, "the power of D", level),
        fit.told(unit_QQ[-1], found, "the power of σ²", level),
        params_P,
        tuple(above),
        _least_rise(fit, found, np.diff(unit_QQ[: len(params_P)], axis=0), level),
        extra,
        lack_of_fit,
        residual_N,
    )


def checked(cells: Cells) -> Cells:
    """Return cells as float64, their errors steadied by each other (see `moderated`), or refuse what tells nothing.

    >>> one = np.ones(1)
    >>> checked(Cells(one, one, one, one, one, one)).error_N.tolist()
    [1.0]
    """
    alike(**{name.rstrip("_N"): len(column) for name, column in zip(Cells._fields, cells, strict=True)})
    error_N, freedom_N = moderated(cells.error_N, cells.freedom_N)
    return Cells(
        numbers(cells.log_snr_N, "log SNR"),
        error_N,
        freedom_N,
        abscissae(cells.tokens_N, "tokens"),
        abscissae(cells.params_N, "parameters"),
        abscissae(cells.variance_N, "noise variances"),
    )


def _along(x_N: np.ndarray) -> np.ndarray:
    """Return log x about its mean, or zeros where rounding makes all its differences."""
    log_N = np.log(x_N)
    return np.zeros(len(x_N)) if np.ptp(log_N) < SAME else np.asarray(log_N - log_N.mean())


def _fitted(value_N: np.ndarray, error_N: np.ndarray, design_NQ: np.ndarray) -> _Fit:
    """Return the least-squares fit weighed by 1/error²."""
    weighed_NQ = design_NQ / error_N[:, None]
    length_Q = np.linalg.norm(weighed_NQ, axis=0)
    length_Q = np.where(length_Q > 0, length_Q, 1.0)
    inverse_QN = np.linalg.pinv(weighed_NQ / length_Q, rcond=RANK) / length_Q[:, None]
    residual_N = value_N / error_N - weighed_NQ @ (inverse_QN @ (value_N / error_N))
    kept_N = 1 - np.einsum("nq,qn->n", weighed_NQ, inverse_QN)
    return _Fit(1 / error_N, weighed_NQ, inverse_QN, residual_N, kept_N)


def _misfit(cells: Cells, fit: _Fit) -> tuple[float, float, np.ndarray]:
    """Return the scatter beyond the errors, in log SNR, the p-value of the lack of fit, and the residuals."""
    from scipy.optimize import brentq
    from scipy.special import fdtrc

    left = fit.left
    if not left:
        return 0.0, np.nan, fit.residual_N
    noisy = float(np.sum(fit.kept_N**2 / cells.freedom_N))
    usual = 1 + 2 * (left - 1) / (left * (left + 2)) * noisy
    lack_of_fit = float(fdtrc(left, left * (left + 2) / (3 * noisy), fit.scatter / usual))

    plain_NQ = fit.design_NQ * cells.error_N[:, None]

    def beyond(extra: float) -> float:
        return _fitted(cells.log_snr_N, np.hypot(cells.error_N, extra), plain_NQ).scatter - usual

    if not fit.scatter > usual:
        return 0.0, lack_of_fit, fit.residual_N
    most = float(np.ptp(cells.log_snr_N)) * len(cells.error_N) + float(cells.error_N.max())
    return float(brentq(beyond, 0.0, most)), lack_of_fit, fit.residual_N


def _scattered(value_N: np.ndarray, error_N: np.ndarray, left: int) -> Moments:
    """Return the moments of values whose errors are all scaled by one scatter, of so many degrees of freedom."""
    one = np.diag(error_N**2)[None]
    blind_Q = np.zeros(len(value_N), dtype=bool)
    return Moments(value_N, one, np.array([float(left)]), np.array([0]), blind_Q, len(value_N))


def _least_rise(fit: _Fit, found: Moments, step_SQ: np.ndarray, level: float) -> Estimate | str:
    """Return the smallest step, or the sentence of one that is open: what is said of every step needs every step."""
    if not len(step_SQ):
        return "no information: one P has no step to the next; train models of two sizes or more."
    steps = [fit.told(step_Q, found, "Φ", each_level(level, len(step_SQ))) for step_Q in step_SQ]
    sentences = [step for step in steps if isinstance(step, str)]
    return sentences[0] if sentences else smallest([step for step in steps if isinstance(step, Estimate)], level=level)
