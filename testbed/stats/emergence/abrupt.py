"""Whether a capability comes as a jump: a step against every curve that is wide enough to be called smooth."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.emergence.curve import fit
from testbed.stats.emergence.rises import Rises
from testbed.stats.emergence.threshold import TENTHS
from testbed.stats.identified import NoInformation, numbers

FEWEST_GROUPS = 6
PLACES, WIDTHS, WIDEST = 121, 13, 3.0
"""Smooth curves that are tried: places within half a range of the cells, and widths up to three halves of the range."""

EXACT = 1e-12


class Abrupt(NamedTuple):
    """log(squares of the best smooth curve/squares of the best step), the share of smooth worlds with no less.

    ``place`` is the log SNR of the step, midway between two cells, and ``jump`` by how much of the rise it goes up.
    """

    ratio: float
    p_value: float
    place: float
    jump: float


def abrupt(found: Rises, narrowest_decades: float, *, resamples: int = 399, seed: int = 0) -> Abrupt:
    """Return a step's fit against the best curve from a tenth to nine tenths over no less than so many decades.

    Both by weighted squares, weights of the quasi-likelihood fit; the step is free in its place and both levels. The
    p-value is by wild resamples of the best smooth curve: residuals keep their size, and groups change sign as a whole.
    A claim uses the *width* of `threshold`, an estimate: abrupt where its upper end lies below the declared number of
    decades, smooth where its lower end lies above. This test is beside it for what is no logistic curve: a jump that
    goes up by part of the rise only, or two levels with a slope between them.

    Judge smooth scores only. An exact match of L tokens has the probability p^L, an argmax is right where p exceeds ½:
    both are sharp functions of a smooth p, see `all_right` and `argmax_right`, and may be called abrupt though nothing
    jumps. What is abrupt on the sharp score only is an artefact of the score.

    Error: at 5 % calls curves of the declared width abrupt in 0–2 %, wider ones in none. A step is found in 93 % with
    12 cells over 6 units of log SNR, against a width of one decade, and in all with 24, with errors of log SNR of
    0.1 and
    thresholds that scatter by 0.1; the upper end of its 90 % width lies below a decade in 20 % and 55–75 %.
    Source: Schaeffer, Miranda and Koyejo, Are emergent abilities a mirage? (2023); Liu (Annals of Statistics 16, 1988)
    for the wild bootstrap.

    >>> from testbed.stats.emergence.rises import rises
    >>> x = np.linspace(-4.0, 4.0, 24)
    >>> noise = 0.02 * np.cos(np.arange(24.0) ** 2)
    >>> jumped, smooth = (rises(x, score + noise, (0.0, 1.0)) for score in (x > 1, 1 / (1 + np.exp(-x))))
    >>> abrupt(jumped, 1.0).p_value < 0.01, abrupt(smooth, 1.0).p_value > 0.5
    (True, True)
    """
    if not (math.isfinite(narrowest_decades) and narrowest_decades > 0) or resamples < 19:
        raise ValueError(
            f"{narrowest_decades} decades and {resamples} resamples decide nothing; give more than 0, and 19 or more."
        )
    groups = int(found.group_N.max(initial=-1)) + 1
    if groups < FEWEST_GROUPS:
        raise NoInformation(f"the signs of {groups} groups give too few resamples; give {FEWEST_GROUPS} or more.")
    curve = fit(found)
    narrowest = narrowest_decades * math.log(10) / TENTHS / curve.half
    if not 1e-3 < narrowest < WIDEST:
        raise NoInformation(
            f"a width of {narrowest_decades:g} decades is no part of a range of {2 * curve.half / math.log(10):.3g};"
            " add cells, or declare another."
        )
    asked, at_N = curve.scaled, np.argsort(found.x_N, kind="stable")
    weight_N = 1 / asked.variance(asked.fitted(curve.place_2), curve.scatter, curve.share_N)
    weight_N = weight_N / weight_N.sum()
    smooth_KN = asked.fitted(_smooth(narrowest))
    best_N = smooth_KN[int(np.argmin(((found.rise_N - smooth_KN) ** 2) @ weight_N))]
    sign_RG = np.random.default_rng(seed).choice([-1.0, 1.0], size=(resamples, groups))
    off_N = (found.rise_N - best_N) * math.sqrt(len(at_N) / (len(at_N) - 2))
    seen_RN = np.concatenate([found.rise_N[None], best_N + sign_RG[:, found.group_N] * off_N])
    ordered = (found.x_N[at_N], weight_N[at_N], smooth_KN[:, at_N])
    ratio_R, place, jump = _ratios(seen_RN[:, at_N], *ordered)
    p_value = float(np.mean(ratio_R >= ratio_R[0] - EXACT))
    return Abrupt(float(ratio_R[0]), p_value, place, jump)


def all_right(probability_N: Float[np.ndarray, "N"], tokens: int) -> Float[np.ndarray, "N"]:
    """Return p^L, the probability that L independent tokens are all right, of the probability of one.

    Error: in log SNR the rise of p^L is at least 0.7 times as wide as that of p, far out on its tail: what such a score
    moves is the threshold, by w·log L; only on a linear axis does it look abrupt. Tokens as independent.

    >>> all_right(np.array([0.5, 1.0]), 2).tolist()
    [0.25, 1.0]
    """
    if tokens < 1:
        raise ValueError(f"{tokens} tokens are no answer; give 1 or more.")
    return np.asarray(_probabilities(probability_N) ** tokens)


def argmax_right(probability_N: Float[np.ndarray, "N"], spread: float) -> Float[np.ndarray, "N"]:
    """Return the share of contexts with p above ½, where log p/(1 − p) is normal over contexts with a spread.

    Φ(logit(p)/spread), p at the median context. The less contexts differ the sharper it is: with a spread of 0 a step,
    from any smooth p. So an argmax over contexts that are alike says nothing of abruptness.

    Error: for the larger of two; among V tokens an argmax may be right with p below ½.

    >>> argmax_right(np.array([0.4, 0.5, 0.6]), 0.1).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    from scipy.special import logit, ndtr

    if not (math.isfinite(spread) and spread > 1e-60):
        raise ValueError(f"a spread of {spread} over contexts must be above zero, or the score is a step.")
    return np.asarray(ndtr(logit(_probabilities(probability_N)) / spread))


def _probabilities(values: object) -> np.ndarray:
    found = numbers(values, "probabilities")
    if not ((found >= 0) & (found <= 1)).all():
        raise ValueError("a probability lies outside 0 to 1; give the smooth score itself, cut at its ends.")
    return found


def _smooth(narrowest: float) -> np.ndarray:
    """Return places and log widths of smooth curves, shape (K, 2)."""
    place_P = np.linspace(-1.5, 1.5, PLACES)
    width_W = np.log(np.geomspace(narrowest, max(WIDEST, narrowest), WIDTHS))
    return np.stack(np.meshgrid(place_P, width_W, indexing="ij"), axis=-1).reshape(-1, 2)


def _ratios(
    rise_RN: np.ndarray, x_N: np.ndarray, weight_N: np.ndarray, smooth_KN: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """Return log ratios of squares of R draws, and place and size of the first's step; cells by rising SNR."""
    total_R1 = (rise_RN**2 @ weight_N)[:, None]
    smooth_RK = total_R1 - 2 * (rise_RN * weight_N) @ smooth_KN.T + smooth_KN**2 @ weight_N
    cuts_C = np.flatnonzero(np.diff(x_N) > 0)
    mass_C, part_RC = np.cumsum(weight_N)[cuts_C], np.cumsum(rise_RN * weight_N, axis=1)[:, cuts_C]
    mean_R1 = (rise_RN @ weight_N)[:, None]
    below_RC, above_RC = part_RC / mass_C, (mean_R1 - part_RC) / (1 - mass_C)
    step_RC = total_R1 - mass_C * below_RC**2 - (1 - mass_C) * above_RC**2
    step_RC = np.where(above_RC > below_RC, step_RC, total_R1 - mean_R1**2)
    ratio_R = np.log(np.maximum(smooth_RK.min(1), EXACT)) - np.log(np.maximum(step_RC.min(1), EXACT))
    cut = int(np.argmin(step_RC[0]))
    place = float(x_N[cuts_C[cut] : cuts_C[cut] + 2].mean())
    return ratio_R, place, float(above_RC[0, cut] - below_RC[0, cut])
