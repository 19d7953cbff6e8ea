"""The law T = c_∞ + c_1·n^−γ: does noise fall to nothing, or to a plateau?"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from testbed.stats.decay import NO_NOISE, measured
from testbed.stats.estimate import Estimate, check_level
from testbed.stats.profile import least, profile

NO_DECAY = "γ is not determined: a constant fits"
NO_LIMIT = "c_∞ is not determined: anything from zero to the last T fits"


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
    """T at n scaled by its geometric mean, with weights 1/error, and the exponents that are searched."""

    n_N: np.ndarray
    t_N: np.ndarray
    weight_N: np.ndarray
    exponents_G: np.ndarray

    def constants(self, exponent: float) -> tuple[np.ndarray, float]:
        """Return c_∞ and c_1 ≥ 0 for an exponent, and their weighted squares."""
        from scipy.optimize import nnls

        basis_N2 = np.column_stack([np.ones_like(self.n_N), self.n_N**-exponent])
        constant_2, root = nnls(basis_N2 * self.weight_N[:, None], self.t_N * self.weight_N)
        return constant_2, float(root) ** 2

    def at_exponent(self, exponent: float) -> float:
        return self.constants(exponent)[1]

    def towards(self, limit: float, exponents_G: np.ndarray) -> np.ndarray:
        """Return the weighted squares of the best decays of G exponents towards a given limit."""
        basis_GN = self.weight_N * self.n_N ** -exponents_G[:, None]
        above_N = self.weight_N * (self.t_N - limit)
        constant_G = np.maximum(basis_GN @ above_N / np.sum(basis_GN**2, axis=1), 0)
        return np.sum((above_N - constant_G[:, None] * basis_GN) ** 2, axis=1)

    def at_limit(self, limit: float) -> float:
        """Return the weighted squares of the best decay towards a given limit."""
        at_G = self.towards(limit, self.exponents_G)
        best = least(lambda exponent: float(self.towards(limit, np.array([exponent]))[0]), self.exponents_G, at_G)
        return float(self.towards(limit, np.array([best]))[0])

    def without_decay(self) -> float:
        """Return the weighted squares of the best constant."""
        square_N = self.weight_N**2
        return float(np.sum(square_N * (self.t_N - np.average(self.t_N, weights=square_N)) ** 2))


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
    if not 0 < exponents[0] < exponents[1]:
        raise ValueError(f"exponents {exponents} must be a range of positive numbers; (0.02, 5.0) is wide.")
    if not measured(n_N, t_N, error_N, fewest=4):
        return NO_NOISE
    scale, freedom = float(np.exp(np.log(n_N).mean())), float(np.sum(sequences_N - 1))
    fit = _reweighted(_Fit(n_N / scale, t_N, 1 / error_N, np.geomspace(*exponents, 40)), error_N / t_N)
    one, two = (count * float(fdtri(count, freedom, level)) for count in (1, 2))
    exponent, low, high = profile(fit.at_exponent, fit.exponents_G, allowed=one)
    constant_2, squares = fit.constants(exponent)
    flat = fit.without_decay() <= squares + one
    limits_G = np.concatenate([[0.0], np.geomspace(1e-3 * t_N.min(), 2 * t_N.max(), 30)])
    limit, floor, ceiling = profile(fit.at_limit, limits_G, allowed=two if flat else one)

    def told(value: float, low: float, high: float) -> Estimate:
        method = "profile of T = c_∞ + c_1·n^−γ"
        return Estimate(
            value=value, low=max(low, 0.0), high=high, level=level, n=int(sequences_N.min()), method=method
        )  # fmt: skip

    unlimited = floor < 0 and ceiling > float(t_N[n_N.argmax()])
    spare = max(len(n_N) - 3, 1)
    return Plateau(
        told(limit, floor, ceiling),
        told(exponent, 0.0, np.inf) if flat else told(exponent, low, high),
        float(constant_2[1]) * scale**exponent,
        float(fdtrc(spare, freedom, squares / spare)),
        (NO_DECAY,) * flat + (NO_LIMIT,) * unlimited,
    )


def _reweighted(fit: _Fit, relative_N: np.ndarray) -> _Fit:
    """Weigh by the relative errors at fitted values."""
    at_G = np.array([fit.at_exponent(float(exponent)) for exponent in fit.exponents_G])
    exponent = least(fit.at_exponent, fit.exponents_G, at_G)
    (limit, constant), _ = fit.constants(exponent)
    return fit._replace(weight_N=1 / (relative_N * (limit + constant * fit.n_N**-exponent)))
