"""Signal and noise across contexts: what a model holds of the pattern behind each position, over the rest."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from testbed.measure.contexts import Reference
from testbed.measure.pattern import Pattern, pattern
from testbed.sources import Source
from testbed.stats.identified import NoInformation
from testbed.stats.signal.groups import Grouped, across_contexts
from testbed.studies.grid.measures._measure import Ensemble, Measure
from testbed.verdict import LEVEL

LOG_P = "log p"
"""The part that is the centred log-probabilities; the others are layers."""


class ContextsSignal(Measure):
    """One row a replicate and part (each layer, and log p): SNR = tr Cov(E[h | z]) / E tr Cov(h | z) over contexts."""

    @staticmethod
    def observe(ensemble: Ensemble) -> list[dict[str, Any]]:
        """Return SNR with its interval over sequences, signal and noise, and the naive ratio, which is biased upward.

        z is the latent behind the position, see ``testbed.measure.pattern``: no rows where the world has none. A
        replicate that tells nothing has a sentence in the place of numbers.

        Error: see ``testbed.stats.signal.groups.across_contexts``.
        """
        found = ensemble.once(_pattern)
        if found is None:
            return []
        logp_BRLV = np.stack([logp_RLV for _, logp_RLV in ensemble.pairs()])
        rows = []
        for at, (seeds, states_NBLM) in enumerate(zip(ensemble.seeds, ensemble.states(), strict=True)):
            about = {"draw": seeds[0], "initialisation": seeds[1], "pattern": found.told}
            for part, h_BLM in _parts(states_NBLM, logp_BRLV[:, at]):
                rows.append(about | {"part": part} | _row(found, h_BLM))
        return rows


def centred(logp: np.ndarray) -> np.ndarray:
    """Return log-probabilities less their mean over symbols, as float64: what logits are up to their origin."""
    logp = np.asarray(logp, dtype=np.float64)
    return np.asarray(logp - logp.mean(-1, keepdims=True))


def layer(number: int) -> str:
    """Return what the part is called that is a layer, from 1."""
    return f"layer {number}"


def _pattern(world: Source, windows: Reference) -> Pattern | None:
    """Return the pattern of the windows; None where the world hides none, or latents were not kept."""
    try:
        return pattern(world, windows)
    except ValueError:
        return None


def _parts(states_NBLM: np.ndarray, logp_BLV: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    for number, h_BLM in enumerate(states_NBLM, start=1):
        yield layer(number), h_BLM.astype(np.float64)
    yield LOG_P, centred(logp_BLV)


def _row(found: Pattern, h_BLM: np.ndarray) -> dict[str, Any]:
    try:
        grouped = _read(found, h_BLM)
    except NoInformation as refusal:
        blank = dict.fromkeys(("snr", "low", "high", "level", "log_error", "signal", "noise", "naive"), np.nan)
        return blank | {"groups": 0, "dropped": np.nan, "sentence": str(refusal)}
    reading = grouped.reading
    return {
        "snr": reading.snr.value,
        "low": reading.snr.low,
        "high": reading.snr.high,
        "level": reading.snr.level,
        "log_error": reading.log_error,
        "signal": reading.signal,
        "noise": reading.noise,
        "naive": reading.naive,
        "groups": int(grouped.told_G.sum()),
        "dropped": grouped.dropped_share,
        "sentence": "",
    }


def _read(found: Pattern, h_BLM: np.ndarray) -> Grouped:
    """Return SNR from sums over the positions of each sequence and group."""
    member_BLG = found.label_BL[..., None] == np.arange(found.groups)
    square_BL = np.square(h_BLM).sum(-1)
    return across_contexts(
        member_BLG.sum(1).astype(np.float64),
        np.einsum("blg,blm->bgm", member_BLG.astype(np.float64), h_BLM, optimize=True),
        np.einsum("blg,bl->bg", member_BLG, square_BL),
        level=LEVEL,
    )
