"""The law T = c_∞ + c_1·n^−γ: does noise fall to nothing, or to a plateau?"""

import functools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from testbed.stats.decay import NO_NOISE, measured
from testbed.stats.estimate import Estimate, check_level
from testbed.stats.identified import abscissae, alike, check_curve, counted, short, told
from testbed.stats.profile import least, profile

NO_DECAY = "γ is not determined: a constant fits"
NO_LIMIT = "c_∞ is not determined: anything from zero to the last T fits"


STEEPEST = 300.0
"""Largest logarithm of a decay, as its square must stay inside float64."""


class Plateau(NamedTuple):
    """The limit c_∞ and the exponent γ, the constant c_1 at the best fit, and the lack-of-fit p-value.

    ``undetermined`` says in sentences what the data leave open.
    """

    limit: Estimate
    exponent: Estimate
    constant: float
    lack_of_fit: float
    undetermined: tuple[str, ...]


class _Fit(NamedTuple):
    """T at n scaled by its geometric mean, with weights 1/error; the law is linear once γ is given."""

    log_n_N: np.ndarray
    t_N: np.ndarray
    weight_N: np.ndarray

    def constants(self, exponent_G: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the best c_∞ ≥ 0 and c_1 ≥ 0 of each exponent, and their weighted squares."""
        decay_GN, t_N = self._decay(exponent_G), self.weight_N * self.t_N
        mean, falls_G = _share(t_N, self.weight_N), _share(decay_GN, self.weight_N)
        constant_G = np.maximum(_share(t_N, decay_GN - falls_G[..., None] * self.weight_N), 0)
        limit_G = mean - constant_G * falls_G
        constant_G = np.where(limit_G < 0, _share(t_N, decay_GN), constant_G)
        limit_G = np.maximum(limit_G, 0)
        left_GN = t_N - limit_G[..., None] * self.weight_N - constant_G[..., None] * decay_GN
        return limit_G, constant_G, np.sum(left_GN**2, axis=-1)

    def misfit(self, exponent_G: np.ndarray) -> np.ndarray:
        return self.constants(exponent_G)[2]

    def limits(self, exponent_G: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of all c_∞ of each exponent with at most so many weighted squares; (∞, −∞) where none has.

        With c_1 ≥ 0 at its best, they are one parabola in c_∞ below the limit from which c_1 is zero, another above.
        """
        decay_GN, t_N = self._decay(exponent_G), self.weight_N * self.t_N
        turn_G = decay_GN @ t_N / (decay_GN @ self.weight_N)
        bent_GN = self.weight_N - _share(self.weight_N, decay_GN)[..., None] * decay_GN
        best_G, least_G, half_G = _parabola(t_N - _share(t_N, decay_GN)[..., None] * decay_GN, bent_GN, most)
        mean, flat, half = _parabola(t_N, self.weight_N, most)
        none_G = np.where(mean < turn_G, least_G, flat) > most
        low_G = np.where(mean - half > turn_G, mean - half, best_G - half_G)
        high_G = np.where(best_G + half_G < turn_G, best_G + half_G, mean + half)
        return np.where(none_G, np.inf, low_G), np.where(none_G, -np.inf, high_G)

    def without_decay(self) -> float:
        """Return the weighted squares of the best constant."""
        return float(_parabola(self.weight_N * self.t_N, self.weight_N, 0.0)[1])

    def _decay(self, exponent_G: np.ndarray) -> np.ndarray:
        return self.weight_N * np.exp(-exponent_G[..., None] * self.log_n_N)


def _share(y_GN: np.ndarray, x_GN: np.ndarray) -> np.ndarray:
    """Return the factor of x in the least squares of y on x."""
    return np.asarray(np.sum(y_GN * x_GN, axis=-1) / np.sum(x_GN**2, axis=-1))


def _parabola(y_GN: np.ndarray, x_GN: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x's factor in the least squares of y, these squares, and how far off a factor has at most so many."""
    factor_G = _share(y_GN, x_GN)
    least_G = np.asarray(np.sum((y_GN - factor_G[..., None] * x_GN) ** 2, axis=-1))
    return factor_G, least_G, np.asarray(np.sqrt(np.maximum(most - least_G, 0) / np.sum(x_GN**2, axis=-1)))


@told
def plateau(
    n_N: Num[np.ndarray, "N"],
    t_N: Float[np.ndarray, "N"],
    error_N: Float[np.ndarray, "N"],
    sequences_N: Num[np.ndarray, "N"],
    *,
    exponents: tuple[float, float],
    level: float,
) -> Plateau | str:
    """Return the fit T = c_∞ + c_1·n^−γ with c_∞ ≥ 0, c_1 ≥ 0, γ > 0 in a range, and profile intervals for c_∞ and γ.

    An interval holds every value whose best fit has weighted squares within F's critical value of the least. The
    weights are the relative errors of the T at the values of a first fit: errors are small where T happened to be low.

    ``exponents`` is the range of γ that is considered. The slower the decays in it, the less can a plateau be told from
    one of them: from 0.02, a constant T hardly bounds c_∞ from below; from 0.5, about as well as from above.

    Error: conservative at the bound c_∞ = 0. An end of γ that lies outside the range is given as 0 or infinite. Where a
    constant fits, γ means nothing: its interval is everything, and that of c_∞ allows for two parameters, as one covers
    too rarely. That the law is another shows in lack of fit only.

    >>> n = 2.0 ** np.arange(4, 12)
    >>> t = 0.1 + 1 / n
    >>> found = plateau(n, t, 0.01 * t, np.full(8, 400), exponents=(0.02, 5.0), level=0.95)
    >>> round(found.limit.value, 5), round(found.exponent.value, 3), found.undetermined
    (0.1, 1.0, ())
    """
    from scipy.special import fdtrc, fdtri

    check_level(level)
    if not measured(n_N, t_N, error_N, fewest=4):
        return NO_NOISE
    n_N, sequences_N = abscissae(n_N, "lengths"), counted(sequences_N, "sequences", least=2)
    alike(lengths=len(n_N), sequences=len(sequences_N))
    check_curve(n_N, np.diag(np.square(error_N)))
    scale, freedom = float(np.log(n_N).mean()), float(np.sum(sequences_N - 1))
    _check_exponents(exponents, n_N)
    exponents_G = np.geomspace(*exponents, 40)
    fit = _reweighted(_Fit(np.log(n_N) - scale, t_N, 1 / error_N), error_N / t_N, exponents_G)
    one, two = (count * float(fdtri(count, freedom, level)) for count in (1, 2))
    exponent, low, high = profile(fit.misfit, exponents_G, allowed=one)
    limit, constant, squares = (float(part[0]) for part in fit.constants(np.array([exponent])))
    flat = fit.without_decay() <= squares + one
    low, high = profile(fit.misfit, exponents_G, allowed=two)[1:] if flat else (low, high)
    reached_G = np.geomspace(max(low, exponents[0]), min(high, exponents[1]), 40)
    floor, ceiling = _limits(fit, reached_G, squares + (two if flat else one))
    ceiling = ceiling if ceiling < 2 * t_N.max() else np.inf
    profiled = functools.partial(_profiled, level=level, n=int(sequences_N.min()))
    unlimited = floor <= 0 and ceiling > float(t_N[n_N.argmax()])
    spare = max(len(n_N) - 3, 1)
    return Plateau(
        profiled(limit, min(floor, limit), max(ceiling, limit)),
        profiled(exponent, 0.0, np.inf) if flat else profiled(exponent, low, high),
        constant * math.exp(scale * exponent),
        float(fdtrc(spare, freedom, squares / spare)),
        (NO_DECAY,) * flat + (NO_LIMIT,) * unlimited,
    )


def _profiled(value: float, low: float, high: float, *, level: float, n: int) -> Estimate:
    """Return a profile's interval of what is not below zero."""
    method = "profile of T = c_∞ + c_1·n^−γ"
    return Estimate(value=value, low=max(low, 0.0), high=high, level=level, n=n, method=method)


def _check_exponents(exponents: tuple[float, float], n_N: np.ndarray) -> None:
    if not 0 < exponents[0] < exponents[1]:
        raise ValueError(f"exponents {exponents} must be a range of positive numbers; (0.02, 5.0) is wide.")
    if exponents[1] * float(np.abs(np.log(n_N) - np.log(n_N).mean()).max()) > STEEPEST:
        raise ValueError(f"exponents {exponents} are too steep for lengths {short(n_N)}: powers overflow; lower them.")


def _limits(fit: _Fit, exponents_G: np.ndarray, most: float) -> tuple[float, float]:
    """Return the ends of all c_∞ that have at most so many weighted squares with any exponent."""
    low_G, high_G = fit.limits(exponents_G, most)
    _, low = least(lambda exponent_G: fit.limits(exponent_G, most)[0], exponents_G, low_G)
    _, high = least(lambda exponent_G: -fit.limits(exponent_G, most)[1], exponents_G, -high_G)
    return float(low), -float(high)


def _reweighted(fit: _Fit, relative_N: np.ndarray, exponents_G: np.ndarray) -> _Fit:
    """Weigh by the relative errors at fitted values."""
    exponent, _ = least(fit.misfit, exponents_G, fit.misfit(exponents_G))
    limit, constant, _ = fit.constants(exponent[None])
    return fit._replace(weight_N=1 / (relative_N * (limit + constant * np.exp(-exponent * fit.log_n_N))))
