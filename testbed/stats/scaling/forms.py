"""The forms of scaling laws, a dict by name: log loss and its gradient, and where a search for the best fit begins."""

import itertools
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

LARGEST_LOG, LEAST_LOG = 600.0, -250.0
"""Largest and least logarithm of a term; the square of the inverse of a loss stays inside float64."""

EXPONENTS = (0.05, 0.12, 0.25, 0.45, 0.8, 1.4)
"""Exponents that a search begins at."""

Value = tuple[np.ndarray, np.ndarray]


class Parameter(NamedTuple):
    """A parameter of a form: ``scale`` if it is positive and searched as its logarithm, ``linear`` if the loss is so.

    ``least`` and ``most`` are the ends of the search in its coordinate; a law has no parameter below ``floor``. At
    ``absent`` its term, or its change of exponent, is as good as left out of the form; None where nothing hangs on it.
    """

    name: str
    scale: bool
    linear: bool
    least: float
    most: float
    floor: float = -np.inf
    absent: float | None = None


class Form(NamedTuple):
    """A scaling law L(P, D): its formula, what it reads of a row, its parameters, log L and its gradient, starts.

    ``log_loss`` takes coordinates (…, Q), log P and log D of N rows, and returns log L (…, N) and ∂ log L (…, N, Q).
    ``starts`` takes log P, log D and log L, and returns coordinates (S, Q) in which linear parameters are not yet set.
    """

    name: str
    formula: str
    source: str
    reads: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    log_loss: Callable[[np.ndarray, np.ndarray, np.ndarray], Value]
    starts: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in the order of the coordinates."""
        return tuple(parameter.name for parameter in self.parameters)

    def values(self, coordinate_RQ: Float[np.ndarray, "*R Q"]) -> Float[np.ndarray, "*R Q"]:
        """Return parameters from coordinates; the logarithm of what is zero is −∞.

        >>> FORMS["power_tokens"].values(np.array([1.5, 0.0, 0.3])).tolist()
        [1.5, 1.0, 0.3]
        """
        scale_Q = np.array([parameter.scale for parameter in self.parameters])
        with np.errstate(over="ignore"):
            return np.where(scale_Q, np.exp(np.where(scale_Q, coordinate_RQ, 0.0)), coordinate_RQ)

    def loss(
        self,
        coordinate_RQ: Float[np.ndarray, "*R Q"],
        params_N: Float[np.ndarray, "N"],
        tokens_N: Float[np.ndarray, "N"],
    ) -> Float[np.ndarray, "*R N"]:
        """Return L(P, D).

        >>> FORMS["power_tokens"].loss(np.array([1.5, 0.0, 0.5]), np.ones(1), np.array([4.0])).tolist()
        [2.0]
        """
        return np.asarray(np.exp(self.log_loss(coordinate_RQ, np.log(params_N), np.log(tokens_N))[0]))


def _floor() -> Parameter:
    return Parameter("E", scale=False, linear=True, least=0.0, most=np.inf, floor=0.0)


def _factor(name: str) -> Parameter:
    return Parameter(name, scale=True, linear=True, least=-300.0, most=LARGEST_LOG, absent=-300.0)


def _decay(name: str) -> Parameter:
    return Parameter(name, scale=False, linear=False, least=0.0, most=5.0, floor=0.0)


def _free(name: str, most: float = 5.0) -> Parameter:
    return Parameter(name, scale=False, linear=False, least=-most, most=most)


Term = tuple[int, tuple[tuple[int, float, int], ...]]
"""A term exp(c + Σ sign · exponent · log x): place of c; place of each exponent, its sign, 0 for P and 1 for D."""


def _sum_of_powers(terms: Sequence[Term]) -> Callable[[np.ndarray, np.ndarray, np.ndarray], Value]:
    """Return log(E + Σ terms) and its gradient, E being the first coordinate."""

    def log_loss(coordinate_RQ: np.ndarray, log_params_N: np.ndarray, log_tokens_N: np.ndarray) -> Value:
        log_x = (log_params_N, log_tokens_N)
        loss_RN = coordinate_RQ[..., :1] + np.zeros_like(log_params_N)
        slope_RNQ = np.zeros((*loss_RN.shape, coordinate_RQ.shape[-1]))
        slope_RNQ[..., 0] = 1.0
        for factor, powers in terms:
            log_RN = coordinate_RQ[..., factor, None]
            for place, sign, axis in powers:
                log_RN = log_RN + sign * coordinate_RQ[..., place, None] * log_x[axis]
            term_RN = np.exp(np.clip(log_RN, LEAST_LOG, LARGEST_LOG))
            loss_RN += term_RN
            slope_RNQ[..., factor] = term_RN
            for place, sign, axis in powers:
                slope_RNQ[..., place] = sign * log_x[axis] * term_RN
        return np.log(loss_RN), slope_RNQ / loss_RN[..., None]

    return log_loss


def _grid(places: Sequence[int], count: int, *choices: Sequence[float]) -> np.ndarray:
    """Return coordinates of every combination of choices at these places, zero elsewhere."""
    chosen = np.array(list(itertools.product(*choices)))
    start_SQ = np.zeros((len(chosen), count))
    start_SQ[:, list(places)] = chosen
    return start_SQ


def _broken(axis: int) -> Callable[[np.ndarray, np.ndarray, np.ndarray], Value]:
    """Return log L of a power law in P (0) or D (1) whose exponent changes once, smoothly."""

    def log_loss(coordinate_RQ: np.ndarray, log_params_N: np.ndarray, log_tokens_N: np.ndarray) -> Value:
        floor, factor, before, change, place, width = np.moveaxis(coordinate_RQ, -1, 0)[..., None]
        log_x_N = (log_params_N, log_tokens_N)[axis]
        beyond_RN = (log_x_N - place) / width
        soft_RN = np.logaddexp(0.0, beyond_RN)
        passed_RN = np.exp(beyond_RN - soft_RN)
        log_term_RN = factor - before * log_x_N - change * width * soft_RN
        term_RN = np.exp(np.clip(log_term_RN, LEAST_LOG, LARGEST_LOG))
        loss_RN = floor + term_RN
        along = (
            np.ones_like(loss_RN), term_RN, -log_x_N * term_RN, -width * soft_RN * term_RN,
            change * passed_RN * term_RN, -change * (soft_RN - beyond_RN * passed_RN) * term_RN,
        )  # fmt: skip
        return np.log(loss_RN), np.stack(along, axis=-1) / loss_RN[..., None]

    return log_loss


def _broken_starts(axis: int) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    def starts(log_params_N: np.ndarray, log_tokens_N: np.ndarray, log_loss_N: np.ndarray) -> np.ndarray:
        places = np.quantile((log_params_N, log_tokens_N)[axis], [0.2, 0.35, 0.5, 0.65, 0.8]).tolist()
        return _grid((2, 3, 4, 5), 6, (0.05, 0.2, 0.5), (-0.4, -0.15, 0.15, 0.4, 1.0), places, (0.1, 0.5, 1.5))

    return starts


def _kaplan(coordinate_RQ: np.ndarray, log_params_N: np.ndarray, log_tokens_N: np.ndarray) -> Value:
    """Return αD · log(exp u + exp v) with u = (αN/αD)(log Nc − log P), v = log Dc − log D."""
    size, data, alpha, beta = np.moveaxis(coordinate_RQ, -1, 0)[..., None]
    beta = np.maximum(beta, 1e-9)
    lack_RN = size - log_params_N
    by_size_RN, by_data_RN = alpha / beta * lack_RN, data - log_tokens_N
    both_RN = np.logaddexp(by_size_RN, by_data_RN)
    share_RN = np.exp(by_size_RN - both_RN)
    along = (alpha * share_RN, beta * (1 - share_RN), share_RN * lack_RN, both_RN - share_RN * by_size_RN)
    return beta * both_RN, np.stack(along, axis=-1)


def _kaplan_starts(log_params_N: np.ndarray, log_tokens_N: np.ndarray, log_loss_N: np.ndarray) -> np.ndarray:
    """Return starts at which size and data cost the same on average."""
    start_SQ = _grid((2, 3), 4, EXPONENTS, EXPONENTS)
    half_S = log_loss_N.mean() / start_SQ[:, 3] - np.log(2.0)
    start_SQ[:, 0] = log_params_N.mean() + half_S * start_SQ[:, 3] / start_SQ[:, 2]
    start_SQ[:, 1] = log_tokens_N.mean() + half_S
    return start_SQ


def _exponents(places: Sequence[int], count: int) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    def starts(log_params_N: np.ndarray, log_tokens_N: np.ndarray, log_loss_N: np.ndarray) -> np.ndarray:
        return _grid(places, count, *[EXPONENTS] * len(places))

    return starts


def _shelf() -> dict[str, Form]:
    both, ours = ("params", "tokens"), "Hoffmann et al. (2022), arXiv 2203.15556, eq. 2"
    break_parameters = (
        _floor(), _factor("A"), _free("before"), _free("change", 10.0)._replace(absent=0.0),
        Parameter("place", scale=True, linear=False, least=-60.0, most=120.0),
        Parameter("width", scale=False, linear=False, least=0.02, most=10.0),
    )  # fmt: skip
    kaplan_parameters = (
        Parameter("N_c", scale=True, linear=False, least=-100.0, most=LARGEST_LOG, absent=-100.0),
        Parameter("D_c", scale=True, linear=False, least=-100.0, most=LARGEST_LOG, absent=-100.0),
        _decay("alpha_N"), _decay("alpha_D"),
    )  # fmt: skip
    chinchilla = (_floor(), _factor("A"), _factor("B"), _decay("alpha"), _decay("beta"))
    in_size, in_data = (1, ((3, -1.0, 0),)), (2, ((4, -1.0, 1),))
    found = [
        Form("chinchilla", "E + A·P^−alpha + B·D^−beta", ours, both, chinchilla,
             _sum_of_powers([in_size, in_data]), _exponents((3, 4), 5)),
        Form("kaplan", "((N_c/P)^(alpha_N/alpha_D) + D_c/D)^alpha_D", "Kaplan et al. (2020), arXiv 2001.08361, eq. 1.5",
             both, kaplan_parameters, _kaplan, _kaplan_starts),
        Form("variance", "E + C·P^gamma·D^−beta", "the variance term V of Luo (2024), arXiv 2412.16443", both,
             (_floor(), _factor("C"), _free("gamma"), _decay("beta")),
             _sum_of_powers([(1, ((2, 1.0, 0), (3, -1.0, 1)))]),
             lambda log_params_N, log_tokens_N, log_loss_N: _grid((2, 3), 4, (-0.5, -0.1, 0.3, 0.8), EXPONENTS)),
        Form("power_params", "E + A·P^−alpha", "Kaplan et al. (2020), eq. 1.1", both[:1],
             (_floor(), _factor("A"), _decay("alpha")), _sum_of_powers([(1, ((2, -1.0, 0),))]), _exponents((2,), 3)),
        Form("power_tokens", "E + B·D^−beta", "Kaplan et al. (2020), eq. 1.2", both[1:],
             (_floor(), _factor("B"), _decay("beta")), _sum_of_powers([(1, ((2, -1.0, 1),))]), _exponents((2,), 3)),
        *(Form(f"broken_{name}", f"E + A·{x}^−before·(1 + ({x}/place)^(1/width))^(−change·width)",
               "Caballero et al. (2022), arXiv 2210.14891, eq. 1 with one break", (name,), break_parameters,
               _broken(axis), _broken_starts(axis)) for axis, (name, x) in enumerate(zip(both, "PD", strict=True))),
    ]  # fmt: skip
    return {form.name: form for form in found}


FORMS = MappingProxyType(_shelf())
"""Every form by its name."""
