"""Learners with closed forms, trained as networks are and seen by the same measures: those that count, and ridgeless.

`testbed.theory.counting` and `testbed.theory.ridgeless` say what they must show.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from testbed.ground import keys
from testbed.ground.checked import Checked
from testbed.ground.hasty import once
from testbed.measure.contexts import Reference
from testbed.measure.geometric import divergence
from testbed.predictors._predictor import check_count, check_pseudo_count, estimator
from testbed.sources import Source
from testbed.theory.counting import Training, law


class Learner(Checked, frozen=True, kw_only=True):
    """One that counts what followed each context of k tokens: (N_uv + β)/(N_u + β·V), shorter contexts where t < k."""

    order: int = 0
    """Number k of previous tokens that are the context."""
    pseudo_count: float = 0.5
    """β: 0 for plain frequencies, ½ for Krichevsky and Trofimov, 1 for Laplace."""

    def __post_init__(self) -> None:
        check_count("order", self.order, 0)
        if self.pseudo_count != 0:
            check_pseudo_count(self.pseudo_count)

    @property
    def label(self) -> str:
        """Return for example "KT, order 1"."""
        named = estimator(self.pseudo_count) if self.pseudo_count else "frequencies"
        return f"{named}, order {self.order}"


def training(world: Source, trained: Training, *, draws: int, seed: int) -> Int[np.ndarray, "R W L"]:
    """Return the training windows of R independent draws, from the stream "data" of the seed, draw by draw."""
    sample = _sampler(type(world), trained.length)
    key_RW = jax.random.split(keys.stream(seed, "data"), (draws, trained.windows))
    return np.asarray(sample(world.tables(), key_RW))


@functools.cache
def _sampler(kind: type[Source], length: int) -> Callable[..., Any]:
    """Return the program that draws windows of a kind of world."""

    def one(tables: Any, key: Any) -> Any:
        return kind.sample(tables, key=key, length=length)[0]

    return once(jax.vmap(jax.vmap(one, (None, 0)), (None, 0)))


def counted(tokens_RWL: Int[np.ndarray, "R W L"], order: int, alphabet: int) -> list[Float[np.ndarray, "R _ V"]]:
    """Return, for j = 0 … k, how often each symbol followed each context of j tokens in the windows of each draw.

    >>> counted(np.array([[[0, 1, 1]]]), 1, 2)[1].tolist()
    [[[0.0, 1.0], [0.0, 1.0]]]
    """
    draws, _, length = tokens_RWL.shape
    levels = []
    for level in range(order + 1):
        code = np.zeros((*tokens_RWL.shape[:2], max(length - level, 0)), dtype=np.int64)
        for lag in range(level + 1):
            code = code * alphabet + tokens_RWL[:, :, lag : max(length - level, 0) + lag]
        words = alphabet ** (level + 1)
        flat = (code.reshape(draws, -1) + words * np.arange(draws)[:, None]).ravel()
        levels.append(np.bincount(flat, minlength=draws * words).reshape(draws, -1, alphabet).astype(float))
    return levels


def rows(learner: Learner, levels: Sequence[Float[np.ndarray, "R _ V"]]) -> list[Float[np.ndarray, "R _ V"]]:
    """Return the log-probabilities that a learner gives after each context, level by level.

    Error: ValueError where plain frequencies leave a word unseen, which then has probability zero, or no law at all.
    """
    found = []
    for count_RUV in levels:
        if learner.pseudo_count == 0 and not count_RUV.all():
            raise ValueError("pseudo_count=0: a word was never seen, and would be impossible; give for example 0.5.")
        smooth_RUV = count_RUV + learner.pseudo_count
        found.append(np.log(smooth_RUV) - np.log(smooth_RUV.sum(-1, keepdims=True)))
    return found


def predicted_at(
    log_rows: Sequence[Float[np.ndarray, "R _ V"]], tokens_BL: Int[np.ndarray, "B L"], place: int
) -> Float[np.ndarray, "R B V"]:
    """Return the log-probabilities of the token at one place of each window, given those before it."""
    alphabet, level = log_rows[0].shape[-1], min(place, len(log_rows) - 1)
    code_B = np.zeros(len(tokens_BL), dtype=np.int64)
    for lag in range(place - level, place):
        code_B = code_B * alphabet + tokens_BL[:, lag]
    return np.asarray(log_rows[level][:, code_B])


def predicted(
    log_rows: Sequence[Float[np.ndarray, "R _ V"]], tokens_L: Int[np.ndarray, " L"]
) -> Float[np.ndarray, "R L V"]:
    """Return log p_RLV on a window: row t is the law of token t given those before it, as a trained network gives it.

    >>> first, after = np.zeros((1, 1, 2)), np.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> predicted([first, after], np.array([1, 0, 1])).tolist()
    [[[0.0, 0.0], [3.0, 4.0], [1.0, 2.0]]]
    """
    places = range(len(tokens_L))
    return np.concatenate([predicted_at(log_rows, tokens_L[None], place) for place in places], axis=1)


def limiting(world: Source, order: int) -> list[Float[np.ndarray, "R _ V"]]:
    """Return the log-rows of endless data, those of the world's own laws of order 0 … k, as one draw.

    Error: after contexts that cannot come, uniform; −∞ where a symbol cannot.
    """
    with np.errstate(divide="ignore"):
        return [np.log(law(world, level))[None] for level in range(order + 1)]


def pairs(
    shared: Reference, log_rows: Sequence[Float[np.ndarray, "R _ V"]]
) -> Iterator[tuple[Float[np.ndarray, "L V"], Float[np.ndarray, "R L V"]]]:
    """Yield (log p*_LV, log p_RLV) of each shared window, what `geometric.decompose` and `limit.limit` take."""
    for tokens_L, logp_LV in zip(shared.tokens_BL, shared.logp_BLV, strict=True):
        yield logp_LV, predicted(log_rows, tokens_L)


def divergences(shared: Reference, log_rows: Sequence[Float[np.ndarray, "R _ V"]]) -> Float[np.ndarray, "R B"]:
    """Return mean_t KL(p*‖p_r) for each draw and shared window, in nats per token."""
    total_RB = np.zeros((len(log_rows[0]), len(shared.tokens_BL)))
    for place in range(shared.tokens_BL.shape[1]):
        star_BV = shared.logp_BLV[:, place]
        total_RB += divergence(np.exp(star_BV), star_BV, predicted_at(log_rows, shared.tokens_BL, place))
    return total_RB / shared.tokens_BL.shape[1]


def ridgeless(
    samples: int, beta_P: Float[np.ndarray, " P"], *, noise: float, draws: int, seed: int
) -> Float[np.ndarray, "R P"]:
    """Return β̂ = X⁺y of R trainings on n samples y = Xβ + ε each, X standard normal and Var ε = σ².

    Its excess risk on isotropic inputs is |β̂ − β|²; see `theory.ridgeless.risk`.

    >>> ridgeless(3, np.array([1.0, 2.0]), noise=0.0, draws=1, seed=0).round(6).tolist()
    [[1.0, 2.0]]
    """
    rng = np.random.default_rng(seed)
    x_RNP = rng.standard_normal((draws, samples, len(beta_P)))
    y_RN = x_RNP @ beta_P + np.sqrt(noise) * rng.standard_normal((draws, samples))
    return np.asarray((np.linalg.pinv(x_RNP) @ y_RN[..., None])[..., 0])
