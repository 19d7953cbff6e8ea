"""Signal and noise across trainings: what replicates have in common, over how they differ."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from testbed.stats.identified import NoInformation, told
from testbed.stats.signal.aligned import aligned
from testbed.stats.signal.split import split
from testbed.stats.signal.trainings import across_trainings, products
from testbed.studies.grid.measures._measure import Ensemble, Measure
from testbed.studies.grid.measures.contexts_signal import LOG_P, centred, layer
from testbed.verdict import LEVEL

FEWEST = 3
"""Replicates without which nothing is told."""
ENOUGH = 32
"""Positions for each number of a vector from which a rotation is certain enough."""


class TrainingsSignal(Measure):
    """One row a part (log p, and each layer after alignment): SNR = ‖S‖² / E‖N‖², S = E_θ f_θ, N = f_θ − S."""

    @staticmethod
    def observe(ensemble: Ensemble) -> list[dict[str, Any]]:
        """Return SNR over data draws and initialisations with its interval, signal, noise and the naive ratio.

        f is log p less its mean over symbols, on all windows; or what a layer hands on, where the replicates are turned
        into each other by rotations fitted on the first half of the windows and read on the second. Where draws and
        initialisations are crossed, the noise of log p is split among them. No rows for fewer than three replicates.

        Error: see ``testbed.stats.signal.trainings.across_trainings`` and, for layers, ``aligned``.
        """
        if len(ensemble.seeds) < FEWEST:
            return []
        return [{"part": part} | _row(gram_BRR, ensemble.seeds) for part, gram_BRR in _grams(ensemble)]


def _grams(ensemble: Ensemble) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the inner products of the replicates on each sequence, part by part."""
    yield LOG_P, np.stack([products(centred(logp_RLV)) for _, logp_RLV in ensemble.pairs()])
    states_RNBLM = np.stack([states_NBLM.astype(np.float64) for states_NBLM in ensemble.states()])
    half, width = states_RNBLM.shape[2] // 2, states_RNBLM.shape[-1]
    for number in range(states_RNBLM.shape[1]):
        h_RBLM = states_RNBLM[:, number]
        length = h_RBLM.shape[2]
        fit_RQM = h_RBLM[:, :half].reshape(len(h_RBLM), -1, width)
        fit_RQM = fit_RQM[:, chosen(fit_RQM.shape[1], ENOUGH * width)]
        read_RQM = aligned(fit_RQM, h_RBLM[:, half:].reshape(len(h_RBLM), -1, width))
        read_BRLM = read_RQM.reshape(len(h_RBLM), -1, length, width).swapaxes(0, 1)
        yield layer(number + 1), np.stack([products(read_RLM) for read_RLM in read_BRLM])


def chosen(positions: int, count: int) -> np.ndarray:
    """Return which positions of all windows a rotation is fitted to: drawn, as a stride may meet one place only.

    >>> len(set((chosen(4096, 256) % 32).tolist()))
    32
    """
    return np.sort(np.random.default_rng(0).permutation(positions)[:count])


def _row(gram_BRR: np.ndarray, seeds: list[tuple[int, int]]) -> dict[str, Any]:
    draws, firsts = (list(side) for side in zip(*seeds, strict=True))
    factors = [draws] if draws == firsts else [draws, firsts]
    blank = dict.fromkeys(("snr", "low", "high", "level", "log_error", "signal", "noise", "naive"), np.nan)
    parts = dict.fromkeys(("noise_of_draws", "noise_of_first_parameters", "noise_of_the_rest"), np.nan)
    about = {"replicates": len(seeds), "levels": min(len(set(draws)), len(set(firsts)))}
    try:
        found = across_trainings(gram_BRR, factors, level=LEVEL)
    except NoInformation as refusal:
        return about | blank | parts | {"sentence": str(refusal)}
    crossed = (len(set(draws)), len(set(firsts)))
    if len(factors) > 1 and crossed[0] * crossed[1] == len(seeds):
        order_R = np.lexsort((firsts, draws))
        shared = told(split)(gram_BRR[:, order_R][:, :, order_R], *crossed, level=LEVEL)
        parts |= {} if isinstance(shared, str) else dict(zip(parts, (each.value for each in shared), strict=True))
    snr = {"snr": found.snr.value, "low": found.snr.low, "high": found.snr.high, "level": found.snr.level}
    rest = {name: getattr(found, name) for name in ("log_error", "signal", "noise", "naive")}
    return about | snr | rest | parts | {"sentence": ""}
