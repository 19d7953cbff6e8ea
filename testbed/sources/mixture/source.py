"""Mixtures: one of several sources is chosen for a whole sequence."""

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import simplex
from testbed.laws.kernels import sampling
from testbed.laws.kernels.sampling import Cuts
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Informed, Machine
from testbed.laws.record import Absent, Budget, Method, Mixing, Truth
from testbed.sources._wrapped import Kind
from testbed.sources.markov.source import Markov
from testbed.sources.mixture import parts as of_parts
from testbed.sources.mixture.fields import Fields


class Tables(NamedTuple):
    """The classes and the tables of the M parts, and their weights as log-probabilities (nats) and for draws."""

    kinds: tuple[Kind, ...]
    parts: tuple[Any, ...]
    log_weight_M: Float[Array, " M"]
    cuts_M: Cuts


class Latents(NamedTuple):
    """The number of the part that was chosen, and the latents of all parts, of which only those of one part count."""

    part: Int32[Array, ""]
    parts: tuple[Any, ...]


class Mixture(Fields, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """A source that chooses one of its parts, once for each sequence."""

    good_for: ClassVar[str] = (
        "What a whole sequence has in common: a reader finds out which part it reads, and averages over one sequence"
        " keep to that part, so that no law of large numbers leads to the average over all."
    )

    @classmethod
    def exhibit(cls) -> "Mixture":
        """Return two chains on eight symbols, the first with probability 1/4."""
        first, second = (Markov(vocabulary=8, concentration=0.3, smoothing=0.02, seed=seed) for seed in (1, 2))
        return cls(parts=(first, second), weights=(0.25, 0.75))

    @property
    def alphabet(self) -> int:
        """Return the number of symbols of every part."""
        return self.parts[0].alphabet

    @property
    def stationary(self) -> bool:
        """Return whether all parts are stationary."""
        return all(part.stationary for part in self.parts)

    @property
    def exchangeable(self) -> bool:
        """Return whether all parts are exchangeable."""
        return all(part.exchangeable for part in self.parts)

    def for_window(self, length: int) -> "Mixture":
        """Return the mixture of what the parts are for windows of `length` tokens."""
        parts = tuple(part.for_window(length) for part in self.parts)
        same = all(one is other for one, other in zip(parts, self.parts, strict=True))
        return self if same else msgspec.structs.replace(self, parts=parts)

    def machine(self) -> Machine | Absent:
        """Return the machines of the parts side by side, if they all have one."""
        machines = of_parts.present(part.machine() for part in self.parts)
        return machines if isinstance(machines, Absent) else of_parts.side_by_side(machines, self.probabilities())

    def informed(self) -> Informed | Absent:
        """Return the laws of a token given what the oracle of the part knows, which knows the part."""
        told = of_parts.present(part.informed() for part in self.parts)
        if isinstance(told, Absent):
            return told
        weights = [weight * each.weight_S for weight, each in zip(self.probabilities(), told, strict=True)]
        return Informed(np.concatenate(weights), np.concatenate([each.rows_SV for each in told]))

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"] | Absent:
        """Return the mean of the pair laws of the parts."""
        finite.check_lag(lag)
        laws = of_parts.present(part.pair_law(lag) for part in self.parts)
        return laws if isinstance(laws, Absent) else np.einsum("m,mab->ab", self.probabilities(), np.stack(laws))

    @property
    def pair_method(self) -> Method:
        """Return the weakest of the parts."""
        return of_parts.weakest(part.pair_method for part in self.parts)

    def pair_error(self, lag: int) -> float:
        """Return the sum of those of the parts, which leaves room for the rounding of their mean."""
        return sum(part.pair_error(lag) for part in self.parts)

    def mixing(self) -> Mixing | Absent:
        """Return "never" if the symbols of the parts are not equally frequent, else the slowest decay of a part.

        Error: where the correlations of two parts cancel, which only their machines can tell, the decay may be faster.
        """
        mixing = super().mixing()
        return of_parts.slowest(self) if isinstance(mixing, Absent) else mixing

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        weight_M = self.probabilities()
        kinds, parts = zip(*((Kind(type(part)), part.tables(dtype)) for part in self.parts), strict=True)
        return Tables(kinds, parts, *simplex.cast(dtype, simplex.logarithm(weight_M)), *sampling.laws(weight_M))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence of the part that was chosen; all parts are drawn, and one of them is kept."""
        choice_key, *part_keys = jax.random.split(key, 1 + len(tables.kinds))
        chosen = sampling.drawn(tables.cuts_M, sampling.words(choice_key, (), tables.log_weight_M.dtype))
        drawn = [
            kind.source.sample(part, key=part_key, length=length)
            for kind, part, part_key in zip(tables.kinds, tables.parts, part_keys, strict=True)
        ]
        tokens_ML = jnp.stack([tokens_L for tokens_L, _ in drawn])
        return tokens_ML[chosen], Latents(chosen, tuple(latents for _, latents in drawn))

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the predictions of the parts, weighed by what the tokens so far say of the choice."""
        tokens_L = jnp.asarray(tokens_L, jnp.int32)
        pairs = zip(tables.kinds, tables.parts, strict=True)
        logp_MLV = jnp.stack([kind.source.log_predictive(part, tokens_L) for kind, part in pairs])

        def step(log_weight_M: Float[Array, " M"], logp_M: Float[Array, " M"]) -> tuple[Array, Array]:
            joint_M = log_weight_M + logp_M
            total = jax.nn.logsumexp(joint_M)
            possible = total > -jnp.inf
            return jnp.where(possible, joint_M - jnp.where(possible, total, 0), log_weight_M), log_weight_M

        logp_LM = jnp.take_along_axis(logp_MLV, tokens_L[None, :, None], 2)[:, :, 0].T
        _, log_weight_LM = jax.lax.scan(step, jnp.asarray(tables.log_weight_M), logp_LM)
        return jax.nn.logsumexp(log_weight_LM.T[:, :, None] + logp_MLV, axis=0)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies; rate and oracle are the means of those of the parts, as a long window tells them apart.

        The oracle knows the part, and its latents.
        """
        return of_parts.truth(self.for_window(length), length, budget)
