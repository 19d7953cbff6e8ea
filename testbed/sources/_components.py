"""What sources share whose tokens come from one of K component laws at a time."""

import functools
from typing import Literal

import numpy as np
from jaxtyping import Float

from testbed.laws import simplex
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Mixing
from testbed.laws.source import Source

NOTHING = 1e-12
"""What is smaller is rounding."""


class Components(Source, frozen=True, kw_only=True):
    """A source with K component laws of i.i.d. or Markov tokens, drawn or given, and their probabilities."""

    vocabulary: int = 32
    """Number of symbols V of the components."""
    regimes: int = 4
    """Number K of component laws."""
    order: Literal[0, 1] = 1
    """Order of the components: 0 for i.i.d., 1 for Markov."""
    concentration: float = 0.15
    """Concentration of the symmetric Dirichlet law of the component rows (not used if `laws` are given)."""
    smoothing: float = 0.02
    """Weight of the uniform row mixed into each drawn row (not used if `laws` are given)."""
    seed: int = 0
    """Seed of the draw (not used if `laws` are given)."""
    laws: tuple[tuple[tuple[float, ...], ...], ...] | None = None
    """The component rows themselves: K × 1 × V for order 0, K × V × V for order 1."""
    prior: tuple[float, ...] | None = None
    """Probabilities of the regimes; uniform if not given."""

    def __post_init__(self) -> None:
        simplex.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        simplex.at_least("regimes", self.regimes, 1, "a block needs a law to draw from")
        simplex.one_of("order", self.order, (0, 1))
        if self.order:
            simplex.chain_size(self.vocabulary)
        simplex.seed(self.seed)
        size = self.regimes * self.vocabulary ** (1 + self.order)
        simplex.laid_out(f"regimes={self.regimes} with vocabulary={self.vocabulary}", size)
        simplex.concentration("concentration", self.concentration)
        simplex.fraction("smoothing", self.smoothing)
        self.regime_prior()
        for component in self.components():
            if self.order:
                simplex.recurrent("a component chain", component)
        if self.laws is None:
            simplex.uncertain(self.concentration, self.components())

    def regime_prior(self) -> Float[np.ndarray, " K"]:
        """Return the law of a regime, float64."""
        if self.prior is None:
            return np.full(self.regimes, 1 / self.regimes)
        return simplex.given_rows("prior", self.prior, (self.regimes,))

    def components(self) -> Float[np.ndarray, "K U V"]:
        """Return the component laws, float64: one row each for order 0, V rows for order 1."""
        shape = (self.regimes, self.vocabulary if self.order else 1, self.vocabulary)
        if self.laws is not None:
            return simplex.given_rows("laws", self.laws, shape)
        return simplex.dirichlet_rows(shape, self.concentration, seed=self.seed, smoothing=self.smoothing)

    def stationary_laws(self) -> Float[np.ndarray, "K V"]:
        """Return the stationary law of each component, float64."""
        if self.order == 0:
            return self.components()[:, 0]
        return _stationary_laws(self)


@functools.lru_cache(maxsize=16)
def _stationary_laws(source: Components) -> Float[np.ndarray, "K V"]:
    return np.stack([simplex.stationary("a component chain", chain) for chain in source.components()])


def pair_law(source: Components, lag: int) -> Float[np.ndarray, "V V"]:
    """Return P(X_0 = a, X_lag = b) if both come from one regime: Σ_z P(z)·diag(π_z)·P_z^lag."""
    weighted_KV = source.regime_prior()[:, None] * source.stationary_laws()
    if lag == 0:
        return np.diag(weighted_KV.sum(0))
    if source.order == 0:
        return np.asarray(weighted_KV.T @ source.stationary_laws())
    powers_KVV = np.linalg.matrix_power(source.components(), lag)
    return np.asarray((weighted_KV[:, :, None] * powers_KVV).sum(0))


def machine(source: Components) -> Machine | Absent:
    """Return the machine of one regime for ever: its states are regime and, for order 1, previous symbol."""
    rows_KUV = source.components()
    regimes, contexts, symbols = rows_KUV.shape
    if rows_KUV.size > finite.LARGEST_EDGES:
        return Absent(f"up to {rows_KUV.size} transitions: at most {finite.LARGEST_EDGES} are written out")
    regime_E, context_E, symbol_E = np.nonzero(rows_KUV)
    target_E = regime_E * contexts + (symbol_E if source.order else 0)
    seen_KU = source.stationary_laws() if source.order else np.ones((regimes, 1))
    law_S = (source.regime_prior()[:, None] * seen_KU).reshape(-1)
    origin_E = regime_E * contexts + context_E
    return Machine(symbols, law_S, law_S, origin_E, symbol_E, target_E, rows_KUV[regime_E, context_E, symbol_E])


def mixing(source: Components) -> Mixing | Absent:
    """Return how fast tokens far apart in one regime become independent: never, if the regimes' symbol laws differ."""
    prior_K, law_KV = source.regime_prior(), source.stationary_laws()
    spread_KV = law_KV - prior_K @ law_KV
    if float((spread_KV[prior_K > 0] ** 2).max()) > NOTHING**2:
        return Mixing(decay="never", value=1.0)
    alone = machine(source)
    return alone if isinstance(alone, Absent) else finite.mixing(alone)


def first_entropy(source: Components) -> float:
    """Return the entropy of a token given its regime alone."""
    return float(source.regime_prior() @ simplex.entropy(source.stationary_laws()))


def later_entropy(source: Components) -> float:
    """Return the entropy of a token given its regime and the token before it."""
    weights_KU = source.stationary_laws() if source.order else np.ones((source.regimes, 1))
    return float(source.regime_prior() @ (weights_KU * simplex.entropy(source.components())).sum(1))
