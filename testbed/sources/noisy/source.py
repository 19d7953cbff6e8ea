"""Observation noise: tokens replaced at random."""

from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Bool, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import simplex
from testbed.laws.kernels import sampling
from testbed.laws.kernels.sampling import Chance
from testbed.laws.machines import finite
from testbed.laws.machines.edge_filter import Edges
from testbed.laws.machines.finite import Informed, Machine
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.sources._wrapped import Kind, machine_of
from testbed.sources.markov.source import Markov
from testbed.sources.noisy import entropies, noise_law
from testbed.sources.noisy.fields import Fields
from testbed.sources.noisy.noise_law import Nodes


class Tables(NamedTuple):
    """The class and the tables of the base for sampling, its machine for filtering, and the noise on V symbols."""

    kind: Kind
    base: Any
    machine: Nodes | Edges
    sigma: Float[Array, ""]
    chance_V: Float[Array, " V"]
    replaces: Chance


class Latents(NamedTuple):
    """The latents and the tokens of the base, and whether each token was replaced (it may have been by itself)."""

    base: Any
    clean_L: Int32[Array, " L"]
    replaced_L: Bool[Array, " L"]


class Noisy(Fields, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """A source whose every token is replaced, with probability σ, by a uniform draw from the alphabet."""

    good_for: ClassVar[str] = (
        "The noise of the data as a knob: from the base at σ = 0 to pure chance at σ = 1, with the same correlations"
        " damped by (1-σ)², so that signal and noise can be set apart."
    )

    @classmethod
    def exhibit(cls) -> "Noisy":
        """Return a chain on four symbols in which one token out of five is replaced."""
        return cls(base=Markov(vocabulary=4, concentration=0.3, smoothing=0.02), sigma=0.2)

    @property
    def stationary(self) -> bool:
        """Return whether the base is stationary, or nothing is left of it."""
        return self.base.stationary or self.sigma == 1

    def machine(self) -> Machine | Absent:
        """Return the machine of the base, with an edge for each symbol that noise may make of another."""
        machine = machine_of(self.base)
        states = len(machine.initial_S)
        move_W, index_E = np.unique(machine.origin_E * states + machine.target_E, return_inverse=True)
        if len(move_W) * self.alphabet > finite.LARGEST_EDGES:
            return Absent(f"{len(move_W) * self.alphabet} edges: machines have at most {finite.LARGEST_EDGES}")
        clean_WV = np.zeros((len(move_W), self.alphabet))
        np.add.at(clean_WV, (index_E, machine.symbol_E), machine.probability_E)
        noisy_WV = self.blurred(clean_WV)
        index_F, symbol_F = np.nonzero(noisy_WV)
        return machine._replace(
            origin_E=move_W[index_F] // states,
            symbol_E=symbol_F,
            target_E=move_W[index_F] % states,
            probability_E=noisy_WV[index_F, symbol_F],
        )

    def informed(self) -> Informed | Absent:
        """Return what noise makes of the laws of the base given what the oracle of the base knows."""
        told = self.base.informed()
        return told if isinstance(told, Absent) else told._replace(rows_SV=self.blurred(told.rows_SV))

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"] | Absent:
        """Return the pair law of the base with noise on both tokens, which at lag 0 are one."""
        pairs_VV = self.base.pair_law(lag)
        if isinstance(pairs_VV, Absent):
            return pairs_VV
        return np.diag(self.blurred(np.diag(pairs_VV))) if lag == 0 else self.blurred(self.blurred(pairs_VV).T).T

    def mixing(self) -> Mixing | Absent:
        """Return that of the base, as noise damps the correlations of all lags alike, unless it leaves none."""
        return Mixing(decay="independent", value=0.0) if self.sigma == 1 else self.base.mixing()

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        machine = noise_law.tables_of(machine_of(self.base), dtype)
        noise = simplex.cast(dtype, np.array(self.sigma), np.full(self.alphabet, 1 / self.alphabet))
        replaces = sampling.events(np.array(self.sigma))
        return Tables(Kind(type(self.base)), self.base.tables(dtype), machine, *noise, *replaces)

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, the latents of the base, its tokens, and which of them were replaced."""
        base_key, own_key = jax.random.split(key)
        clean_L, latents = tables.kind.source.sample(tables.base, key=base_key, length=length)
        words_2L = sampling.words(own_key, (2, length), tables.sigma.dtype)
        tokens_L, replaced_L = noise_law.added(tables.replaces, clean_L, words_2L, symbols=len(tables.chance_V))
        return tokens_L, Latents(latents, clean_L, replaced_L)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by exact filtering over the states of the base's machine."""
        return noise_law.predicted(tables.machine, tokens_L, tables.sigma)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies; the oracle knows what that of the base knows, the tokens before noise among it.

        It does not know whether the token is replaced. Without noise it is the oracle of the base.
        """
        return entropies.truth(self.for_window(length), length, budget)
