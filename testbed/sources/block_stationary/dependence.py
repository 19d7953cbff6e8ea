"""Pair laws of block-stationary sources, at a random moment of the long run."""

import numpy as np
from jaxtyping import Float

from testbed.laws import renewal
from testbed.sources import _components
from testbed.sources.block_stationary.fields import Fields


def pair_law(source: Fields, lag: int) -> Float[np.ndarray, "V V"]:
    """Return P(X_0 = a, X_lag = b): one law where both lie in one block, independent ones where they do not."""
    if source.announced:
        return _announced_pairs(source, lag)
    lengths = source.length_law()
    together = renewal.tail(lengths, lag) / renewal.tail(lengths, 0)
    law_V = source.regime_prior() @ source.stationary_laws()
    return np.asarray(together * _components.pair_law(source, lag) + (1 - together) * np.outer(law_V, law_V))


def _announced_pairs(source: Fields, lag: int) -> Float[np.ndarray, "V V"]:
    """Return the pair law of announcers and own tokens.

    A block begins at both ends with probability u/w, where u is the renewal probability of the lag; own tokens of one
    block are `lag` apart with probability Σ_{s > lag} P(length > s) / w, an announcer and an own token of its block
    with P(length > lag) / w.
    """
    lengths = source.length_law()
    prior_K, own_KV = source.regime_prior(), source.stationary_laws()
    own_V, begins = prior_K @ own_KV, 1 / renewal.tail(lengths, 0)
    again = float(renewal.renewals(lengths, lag + 1)[lag]) * begins
    named = float(renewal.survival(lengths, lag + 1)[lag]) * begins if lag else 0.0
    together = renewal.tail(lengths, lag + 1) * begins
    # Differences of probabilities, which rounding may leave below zero.
    apart = max(1 - 2 * begins + again - together, 0.0)
    swapped, named_apart = max(begins - again, 0.0), max(begins - again - named, 0.0)
    own_own = together * _components.pair_law(source, lag) + apart * np.outer(own_V, own_V)
    own_name = swapped * np.outer(own_V, prior_K)
    name_own = named * prior_K[:, None] * own_KV + named_apart * np.outer(prior_K, own_V)
    name_name = again * (np.outer(prior_K, prior_K) if lag else np.diag(prior_K))
    return np.block([[own_own, own_name], [name_own, name_name]])
