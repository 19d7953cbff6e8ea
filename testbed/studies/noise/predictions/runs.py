"""Counts of symbols in a run of tokens, and what the token that ends it tells of them, from pair laws."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.laws import renewal
from testbed.sources import Absent, BlockStationary, DirichletBlocks, OneRegime, Polya, Source
from testbed.theory import lags

MOST_LAGS = 2**12
"""Lags that are added one by one where correlations do not fade."""


class Run(NamedTuple):
    """A number of tokens in a row, met at a random moment."""

    law_V: Float[np.ndarray, " V"]
    """P(X = v)."""
    mean_V: Float[np.ndarray, " V"]
    covariance_VV: Float[np.ndarray, "V V"]
    ahead_VV: Float[np.ndarray, "V V"]
    """Σ_k Cov(1[X_0 = row], 1[X_−k = column]) over the tokens −k of the run, if token 0 is its last."""
    error: float
    """Bound on the nuclear norm of what was left out of the covariance."""

    def given_end(self) -> tuple[Float[np.ndarray, "V V"], Float[np.ndarray, "V V"]]:
        """Return the mean given the last token, a row for each, and the mean over it of the covariance given it."""
        certain_V = np.where(self.law_V > 0, self.law_V, 1.0)
        excess_VV = self.ahead_VV / certain_V[:, None]
        return self.mean_V[None] + excess_VV, self.covariance_VV - self.ahead_VV.T @ excess_VV


def runs(source: Source, tokens: Sequence[int]) -> list[Run | Absent]:
    """Return the counts of runs of so many tokens each.

    Where tokens are independent within hidden blocks, in closed form; else from the pair laws of all lags that matter,
    which for correlations that do not fade, or as a power law, are all of them, up to 4096.

    Error: rounding, and `Run.error`; what is left out of `ahead_VV` is no larger, for each token of the run.
    """
    once_VV = source.pair_law(0)
    if isinstance(once_VV, Absent):
        return [once_VV] * len(tokens)
    together_T = _together(source, max(tokens))
    if together_T is not None:
        return [_exchangeable(source, together_T[:count]) for count in tokens]
    mixing = source.mixing()
    fades = not isinstance(mixing, Absent) and mixing.decay in ("independent", "finite", "geometric")
    few = [count for count in tokens if fades or count <= MOST_LAGS]
    found = dict(zip(few, _summed(source, few), strict=True)) if few else {}
    return [found.get(count, Absent(f"correlations that fade slowly, over {count} lags")) for count in tokens]


def _together(source: Source, count: int) -> Float[np.ndarray, " T"] | None:
    """Return P(two tokens lie in one block) at the lags 0, 1, …, where tokens are independent within hidden blocks."""
    if isinstance(source, Polya) or (isinstance(source, OneRegime) and source.order == 0):
        return np.ones(count)
    if not isinstance(source, BlockStationary | DirichletBlocks) or source.announced:
        return None
    if isinstance(source, BlockStationary) and source.order:
        return None
    lengths = source.length_law()
    ended_T = np.cumsum(renewal.survival(lengths, count)[:-1]) / lengths.mean
    return np.maximum(1 - np.append(0.0, ended_T), 0.0)


def _exchangeable(source: Source, together_T: Float[np.ndarray, " T"]) -> Run:
    """Return the counts where covariances of all lags but 0 are those of one block, times the chance of one block."""
    count, law_V = len(together_T), lags.marginal(source)
    own_VV = np.diag(law_V) - np.outer(law_V, law_V)
    block_VV = _covariance(source, law_V, 1)
    first = together_T[1] if count > 1 and together_T[1] > 0 else 1.0
    share_T = together_T[1:] / first
    weight_T = np.arange(count - 1, 0, -1)
    covariance_VV = count * own_VV + 2 * (weight_T @ share_T) * block_VV
    return Run(law_V, count * law_V, covariance_VV, own_VV + share_T.sum() * block_VV, 0.0)


def _summed(source: Source, tokens: Sequence[int]) -> list[Run]:
    """Return the counts from the pair laws, lag by lag."""
    law_V = lags.marginal(source)
    sums = lags.windows(source, np.eye(len(law_V)), tokens)
    last = {min(each.lags, count - 1) for count, each in zip(tokens, sums, strict=True)}
    ahead_VV, kept = np.zeros((len(law_V),) * 2), {}
    for lag in range(max(last) + 1):
        ahead_VV = ahead_VV + _covariance(source, law_V, lag).T
        if lag in last:
            kept[lag] = ahead_VV
    return [
        Run(law_V, count * law_V, count * each.covariance_MM, kept[min(each.lags, count - 1)], count * each.error)
        for count, each in zip(tokens, sums, strict=True)
    ]


def _covariance(source: Source, law_V: Float[np.ndarray, " V"], lag: int) -> Float[np.ndarray, "V V"]:
    """Return Cov(1[X_0 = row], 1[X_lag = column])."""
    pairs_VV = source.pair_law(lag)
    if isinstance(pairs_VV, Absent):
        raise ValueError(f"no pair law at lag {lag}: {pairs_VV.reason}; use a source that has pair laws.")
    return np.asarray(pairs_VV - np.outer(law_V, law_V))
