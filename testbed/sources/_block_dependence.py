"""Second-order quantities of block-stationary sources, at a random moment of the long run."""

import math

import numpy as np
from jaxtyping import Float

from testbed.sources import _components, _machine, _renewal
from testbed.sources._components import NOTHING
from testbed.sources._truth import Absent, Mixing
from testbed.sources.block_stationary import BlockStationary


def pair_law(source: BlockStationary, lag: int) -> Float[np.ndarray, "V V"]:
    """Return P(X_0 = a, X_lag = b): one law where both lie in one block, independent ones where they do not."""
    if source.announced:
        return _announced_pairs(source, lag)
    lengths = source.length_law()
    together = _renewal.tail(lengths, lag) / _renewal.tail(lengths, 0)
    law_V = source.regime_prior() @ source.stationary_laws()
    return np.asarray(together * _components.pair_law(source, lag) + (1 - together) * np.outer(law_V, law_V))


def _announced_pairs(source: BlockStationary, lag: int) -> Float[np.ndarray, "V V"]:
    """Return the pair law of announcers and own tokens.

    A block begins at both ends with probability u/w, where u is the renewal probability of the lag; own tokens of one
    block are `lag` apart with probability Σ_{s > lag} P(length > s) / w, an announcer and an own token of its block
    with P(length > lag) / w.
    """
    lengths = source.length_law()
    prior_K, own_KV = source.regime_prior(), source.stationary_laws()
    own_V, begins = prior_K @ own_KV, 1 / _renewal.tail(lengths, 0)
    again = float(_renewal.renewals(lengths, lag + 1)[lag]) * begins
    named = float(_renewal.survival(lengths, lag + 1)[lag]) * begins if lag else 0.0
    together = _renewal.tail(lengths, lag + 1) * begins
    # Differences of probabilities, which rounding may leave below zero.
    apart = max(1 - 2 * begins + again - together, 0.0)
    swapped, named_apart = max(begins - again, 0.0), max(begins - again - named, 0.0)
    own_own = together * _components.pair_law(source, lag) + apart * np.outer(own_V, own_V)
    own_name = swapped * np.outer(own_V, prior_K)
    name_own = named * prior_K[:, None] * own_KV + named_apart * np.outer(prior_K, own_V)
    name_name = again * (np.outer(prior_K, prior_K) if lag else np.diag(prior_K))
    return np.block([[own_own, own_name], [name_own, name_name]])


def mixing(source: BlockStationary) -> Mixing | Absent:
    """Return the decay of correlations; see `BlockStationary.mixing`."""
    lengths = source.length_law()
    if source.announced:
        return _announced_mixing(source)
    within = _components.mixing(source)
    if isinstance(within, Absent) or within.decay == "independent":
        return within
    if source.lengths == "geometric":
        return _geometric(source, within)
    lasting = within.decay in ("never", "periodic")
    if source.lengths == "power_law":
        if not lasting:
            return within
        if _scale_free(source):
            return _power(source)
    last = len(lengths.survival_J) - 1
    if within.decay == "finite":
        last = min(last, int(within.value))
    if within.decay == "geometric":
        last = min(last, 16 + math.ceil(math.log(NOTHING**2) / math.log(abs(within.value))))
    return _finite(source, last)


def _announced_mixing(source: BlockStationary) -> Mixing | Absent:
    """Return the decay where announcers come back: as their renewals do, and as blocks last."""
    if source.lengths == "fixed":
        return Mixing(decay="periodic", value=float(source.block_length))
    if source.lengths == "power_law" and _scale_free(source):
        return _power(source)
    machine = source.machine()
    return machine if isinstance(machine, Absent) else _machine.mixing(machine)


def _geometric(source: BlockStationary, within: Mixing) -> Mixing | Absent:
    """Return the decay of one regime, shortened by the chance that the block still lasts."""
    stay = 1 - 1 / source.block_length
    if stay == 0:
        return Mixing(decay="independent", value=0.0)
    if within.decay == "finite":
        return within
    if within.decay == "periodic":
        machine = source.machine()
        return machine if isinstance(machine, Absent) else _machine.mixing(machine)
    return Mixing(decay="geometric", value=stay * within.value)


def _scale_free(source: BlockStationary) -> bool:
    return _renewal.scale_free(source.length_law(), _power(source).value)


def _power(source: BlockStationary) -> Mixing:
    return Mixing(decay="power law", value=float(source.tail or 0.0) - 1)


def _finite(source: BlockStationary, last: int) -> Mixing:
    """Return the largest lag, `last` at most, at which a pair of tokens shows any dependence."""
    law_V = np.diag(pair_law(source, 0))
    independent_VV = np.outer(law_V, law_V)
    for lag in range(last, 0, -1):
        if np.abs(pair_law(source, lag) - independent_VV).max() > NOTHING:
            return Mixing(decay="finite", value=float(lag))
    return Mixing(decay="independent", value=0.0)
