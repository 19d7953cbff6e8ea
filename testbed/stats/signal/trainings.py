"""Signal and noise across trainings: what trainings on other draws have in common, over how they differ."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from testbed.stats.identified import NoInformation, alike, numbers
from testbed.stats.signal.reading import Reading, Terms, logs, reading, tukey

ROUNDING = 1e-12
"""Noise over the mean square of all functions below which rounding may have made it."""


def products(f_RLM: Float[np.ndarray, "R L M"]) -> Float[np.ndarray, "R R"]:
    """Return the inner products ⟨f_r, f_s⟩ of R trainings, the mean over the L positions of a sequence.

    >>> products(np.array([[[1.0, 2.0]], [[0.0, 3.0]]])).tolist()
    [[5.0, 6.0], [6.0, 9.0]]
    """
    f_RLM = numbers(f_RLM, "the functions", axes=3)
    if not f_RLM.size:
        raise NoInformation("a training was seen at no position; give one training and one position at least.")
    flat_RQ = f_RLM.reshape(len(f_RLM), -1)
    return np.asarray(flat_RQ @ flat_RQ.T / f_RLM.shape[1])


def across_trainings(
    gram_BRR: Float[np.ndarray, "B R R"], factors: Sequence[Sequence[int]], *, level: float
) -> Reading:
    """Return SNR = mean_x ‖S‖² / mean_x E‖N‖² with S = E_θ f_θ(x) and N = f_θ − S, of R trainings on B sequences.

    Of each sequence come the inner products of the trainings (see `products`; sums over several calls will do).
    ``factors`` holds one label per training for every factor whose levels were drawn independently (data draw,
    initialisation). ‖S‖² is the mean product of two trainings that share no level, and E‖N‖² half their mean squared
    distance: both unbiased. f must have a common origin, as centred log-probabilities do; hidden states need
    `aligned.aligned` before.

    The interval is that of `reading` around log(‖f̄‖²/noise), for independent trainings log(SNR + 1/R), by the jackknife
    over the levels of each factor and over sequences, whose variances add. With several factors, noise adds between 1/R
    and 1/(fewest levels) to ‖f̄‖²/noise, and the ends take either.

    Error: covers 93–100 % at 95 %, R = 3…16, SNR .01–100, one direction of noise to a thousand: most for R = 3 and
    where noise outweighs signal; crossed 3×3 to 8×4 trainings by 94–100 %. Norms of noise with heavy tails (a scale of
    Student's t₆) leave 87–98 %. The SNR is biased upward by about 2/((R − 1)·d) of itself where noise has d directions,
    as 1/noise is; signal and noise are not.
    ``naive`` is ‖f̄‖² over the squared distances from f̄, divided by R.
    Source: Miller (1974), the jackknife of a log variance.

    >>> rng = np.random.default_rng(1)
    >>> f_BRLM = 2.0 + rng.standard_normal((50, 4, 8, 3))
    >>> found = across_trainings(np.stack([products(f_RLM) for f_RLM in f_BRLM]), [range(4)], level=0.95)
    >>> found.snr.low < 4.0 < found.snr.high
    True
    """
    gram_BRR = checked(gram_BRR)
    if not len(factors):
        raise ValueError("no factors were given; name one label per training for each, at least one factor.")
    labels_FR = np.array([_levels(labels, gram_BRR.shape[1]) for labels in factors])
    apart_RR = (labels_FR[:, :, None] != labels_FR[:, None, :]).all(0)
    gram_RR = gram_BRR.mean(0)
    raw, signal, noise = _parts(gram_RR, apart_RR).tolist()
    around = float(np.trace(gram_RR)) / len(gram_RR) - raw
    if not min(noise, around) > ROUNDING * float(np.trace(gram_RR)) / len(gram_RR):
        raise NoInformation("the trainings agree to rounding, as copies of one do; give trainings of their own.")
    variance_F, freedom_F = [], []
    for labels_R in labels_FR:
        kept = [labels_R != label for label in np.unique(labels_R)]
        without = [_parts(gram_RR[kept_R][:, kept_R], apart_RR[kept_R][:, kept_R]) for kept_R in kept]
        raw_K, _, noise_K = np.array(without).T
        variance_F.append(tukey(logs(raw_K, noise_K)))
        freedom_F.append(len(kept) - 1.0)
    others_BRR = (gram_BRR.sum(0) - gram_BRR) / max(len(gram_BRR) - 1, 1)
    raw_B, _, noise_B = _parts(others_BRR, apart_RR)
    variance_F.append(tukey(logs(raw_B, noise_B)))
    freedom_F.append(len(gram_BRR) - 1.0)
    least, units = 1 / len(gram_RR), int(labels_FR.max(1).min()) + 1
    terms = Terms(raw, signal, noise, naive=raw / around, least=least, most=1 / units if len(labels_FR) > 1 else least)
    return reading(
        terms, np.array(variance_F), np.array(freedom_F), units=units, level=level,
        method="products across trainings, jackknife t on log(raw/noise)",
    )  # fmt: skip


def checked(gram_BRR: Float[np.ndarray, "B R R"]) -> Float[np.ndarray, "B R R"]:
    """Return inner products as float64, or refuse what none can be, and what is seen on one sequence.

    >>> checked(np.tile(np.eye(2), (3, 1, 1))).shape
    (3, 2, 2)
    """
    gram_BRR = numbers(gram_BRR, "the products", axes=3)
    if gram_BRR.shape[1] != gram_BRR.shape[2]:
        raise ValueError(f"products of shape {gram_BRR.shape} are none; give sequences × trainings × trainings.")
    if len(gram_BRR) < 2 or not gram_BRR.shape[1]:
        raise NoInformation(f"{len(gram_BRR)} sequences leave the noise of contexts unknown; give 2 or more.")
    most_B = np.abs(gram_BRR).max((1, 2))
    own_BR = np.diagonal(gram_BRR, axis1=1, axis2=2)
    if (np.abs(gram_BRR - np.swapaxes(gram_BRR, 1, 2)).max((1, 2)) > 1e-6 * most_B).any() or (own_BR < 0).any():
        raise ValueError("the products are not symmetric, or a square is below 0; give the inner products of vectors.")
    return gram_BRR


def _levels(labels: Sequence[int], trainings: int) -> np.ndarray:
    """Return one number per training for its level of a factor; fewer than three levels leave no jackknife."""
    alike(trainings=trainings, labels=len(labels))
    names = list(dict.fromkeys(labels))
    if len(names) < 3:
        raise NoInformation(f"{len(names)} levels of a factor do not leave one out of a pair; train 3 or more.")
    return np.array([names.index(label) for label in labels])


def _parts(gram_RR: np.ndarray, apart_RR: Bool[np.ndarray, "R R"]) -> np.ndarray:
    """Return ‖f̄‖², the signal and the noise; the sequences come first if there are any."""
    if not apart_RR.any():
        raise NoInformation("no two trainings share no level when one is left out; cross more levels.")
    own_R = np.diagonal(gram_RR, axis1=-2, axis2=-1)
    signal = gram_RR[..., apart_RR].mean(-1)
    noise = (own_R @ apart_RR.sum(1)) / apart_RR.sum() - signal
    return np.array([gram_RR.mean((-2, -1)), signal, noise])
