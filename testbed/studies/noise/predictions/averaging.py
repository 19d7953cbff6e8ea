"""The noise of layer 1 at a length, where attention averages: over symbols that a world deals, or Gaussian logits."""

import functools
from typing import Any, NamedTuple

import msgspec
import numpy as np
from jaxtyping import Float

from testbed.model.attention.softmax import Softmax
from testbed.model.noise.bounded import Bounded
from testbed.model.noise.gaussian import Gaussian
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer
from testbed.sources import Absent
from testbed.studies.noise.predictions import passage
from testbed.studies.noise.predictions.counts import Counts
from testbed.studies.noise.predictions.heads import fed, heads, network
from testbed.theory.attention_noise import Heads, influence, limit
from testbed.theory.random_energy import participation
from testbed.weights import AnyWeights


class Level(NamedTuple):
    """T of A, of FFN(A) and of the representation, with bounds on what was left out; NaN where there is none."""

    variance_3: Float[np.ndarray, "3"]
    error_3: Float[np.ndarray, "3"]


SELDOM = 6.0
"""Deviations within which the output of a network lies, so that a bound beyond them is as good as none."""

NONE = Level(np.full(3, np.nan), np.full(3, np.nan))


def of_logits(model: Transformer, params: dict[str, Any], deviation: int | float, positions: int) -> Level:
    """Return T of A under Gaussian logits: the noise of one value, shared as the exact participation says.

    Error: that of `random_energy.participation`.
    """
    shared = participation(deviation, positions)
    return of_values(model, params, shared.value / positions, shared.error / positions)


def of_values(model: Transformer, params: dict[str, Any], share: float, error: float = 0.0) -> Level:
    """Return T of A where values are noise alone, from E[Σ a²] of the weights and its error."""
    one = float(np.trace(_token_noise(model, params)))
    return Level(np.array([one * share, np.nan, np.nan]), np.array([one * error, np.nan, np.nan]))


class Layer:
    """The first layer of a model with given parameters, as theory sees it."""

    def __init__(self, model: Transformer, params: dict[str, Any], weights: AnyWeights) -> None:
        self.noise_MM = _token_noise(model, params)
        self.exact = weights.uniform and not np.any(np.asarray(params["blocks"]["layer_0"]["query_MHK"]))
        if self.exact:
            model = msgspec.structs.replace(model, embedding_noise=None, attention=Softmax())
        found = [heads(model, params, token, start=True) for token in range(model.vocabulary)]
        self.heads_V: list[Heads] = [each for each in found if not isinstance(each, Absent)]
        self.known = len(self.heads_V) == len(found) and bool(np.isfinite(self.noise_MM).all())
        self.fed_V = [fed(model, params, token) for token in range(model.vocabulary)]
        self.network, self.nonlinearity = network(model, params), model.feedforward
        self.smooth = passage.is_smooth(model.feedforward)
        self.at_kink = weights.at_kink and self.exact
        self.bound = model.feedforward_bound

    def level(self, cases: list[Counts] | Absent, n: int) -> Level:
        """Return T given the query at a length, for the cases that a window may be; see `predicted.levels`."""
        if isinstance(cases, Absent) or not self.known:
            return NONE
        settles = all(case.settles for case in cases)
        if not (settles or self.exact):
            return NONE
        chance_CV = np.stack([case.chance_V for case in cases])
        variance_3, error_3 = np.zeros(3), np.zeros(3)
        for token in np.flatnonzero(chance_CV.sum(0)).tolist():
            within, means = zip(*(self._given(token, case, n, len(cases) > 1) for case in cases), strict=True)
            share_C, mean_C3M = chance_CV[:, token], np.stack(means)
            off_C3M = mean_C3M - np.einsum("c,cpm->pm", share_C / share_C.sum(), mean_C3M)[None]
            variance_3 += np.einsum("c,cpm->p", share_C, off_C3M**2)
            variance_3 += share_C @ np.stack([each.variance_3 for each in within])
            error_3 += share_C @ np.stack([each.error_3 for each in within])
        level = Level(variance_3, error_3)
        return level if settles else _attention_alone(level)

    def _given(self, token: int, case: Counts, n: int, several: bool) -> tuple[Level, Float[np.ndarray, "3 M"]]:
        """Return T in one case given the query, and where there are several cases the means, to the order 1/n."""
        of_law, law_V = functools.partial(limit, self.heads_V[token]), np.append(case.mean_VV[token], 1.0) / n
        slope_VM = influence(self.heads_V[token], law_V)[:-1] / n
        covariance_MM = slope_VM.T @ case.covariance_VV @ slope_VM + (n - 1) / n**2 * self.noise_MM
        error = case.error * float(np.linalg.norm(slope_VM, 2)) ** 2
        if not several:
            mean_M = of_law(law_V)
            return self._passed(token, mean_M, covariance_MM, error), np.zeros((3, len(mean_M)))
        mean_M = passage.expected(of_law, law_V, np.pad(case.covariance_VV, (0, 1)) / n**2)
        mean_3M = passage.expected(functools.partial(passage.parts, self.fed_V[token]), mean_M, covariance_MM)
        level = self._passed(token, mean_M, covariance_MM, error)
        return (level if self.smooth else _attention_alone(level)), mean_3M

    def _passed(
        self, token: int, mean_M: Float[np.ndarray, " M"], covariance_MM: Float[np.ndarray, "M M"], error: float
    ) -> Level:
        """Return what the feed-forward network makes of noise around a mean of A."""
        if self.smooth:
            slope_3MM = passage.slopes(self.fed_V[token], mean_M)
            variance_3 = np.einsum("pom,mn,pon->p", slope_3MM, covariance_MM, slope_3MM)
            return Level(variance_3, error * np.linalg.norm(slope_3MM, 2, axis=(1, 2)) ** 2)
        alone = float(np.trace(covariance_MM))
        if not self.at_kink or alone == 0:
            return _attention_alone(Level(np.full(3, alone), np.full(3, error)))
        variance_3 = passage.kinked(self.network, self.nonlinearity, covariance_MM)
        farthest = float(np.linalg.norm(self.network(mean_M)) + SELDOM * np.sqrt(variance_3[1]))
        if self.bound is not None and not farthest < self.bound:
            return _attention_alone(Level(np.full(3, alone), np.full(3, error)))
        return Level(variance_3, variance_3 * error / alone)


def _attention_alone(level: Level) -> Level:
    """Return a level that says nothing of the feed-forward network."""
    blank_3 = np.array([0.0, np.nan, np.nan])
    return Level(level.variance_3 + blank_3, level.error_3 + blank_3)


def _token_noise(model: Transformer, params: dict[str, Any]) -> Float[np.ndarray, "M M"]:
    """Return the covariance of what the noise of one token's embedding adds to its value, mixed."""
    layer = params["blocks"]["layer_0"]
    value_MHK, mix_HKM = (np.asarray(layer[name], np.float64) for name in ("value_MHK", "mix_HKM"))
    map_MM = np.einsum("mhk,hkn->mn", value_MHK, mix_HKM)
    return np.asarray(_coordinate(model) * map_MM.T @ map_MM)


def _coordinate(model: Transformer) -> float:
    """Return the variance of each coordinate of the noise on the embeddings, NaN where it has none."""
    noise = model.embedding_noise
    if isinstance(noise, Gaussian):
        return float(noise.deviation**2)
    if isinstance(noise, Bounded):
        return float(noise.radius**2 / (model.width + 2))
    if isinstance(noise, Student) and noise.freedom > 2:
        return float(noise.scale**2 * noise.freedom / (noise.freedom - 2))
    return 0.0 if noise is None else np.nan
