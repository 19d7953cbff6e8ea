"""The contract of a world: a law over token sequences that can be sampled, predicted and measured exactly."""

import abc
import functools
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground.checked import Checked
from testbed.laws.kernels import sampling
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Informed, Machine
from testbed.laws.record import UNIT_ROUNDOFF, Absent, Budget, Method, Mixing, Truth

ROUNDINGS = 16
"""A generous number of them for each number of a law."""


class NoLatents(NamedTuple):
    """The latents of a source that hides nothing."""


class KnownLaws(NamedTuple):
    """Laws of a token that its context tells for sure, given that it is one of these symbols.

    `share_C` is the share of the window's tokens with each law, in expectation; the rest of the window is left out.
    """

    share_C: Float[np.ndarray, " C"]
    law_CV: Float[np.ndarray, "C V"]


class Source(Checked, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """A law of X_1, X_2, … over the symbols 0..alphabet-1, given by a frozen specification.

    `sample` and `log_predictive` are pure functions of `tables`, one sequence at a time, for jit and vmap: two
    sources of one class whose tables have the same shapes share one compiled program. They work in the dtype of the
    tables, float64 only where jax has 64 bits switched on.

    Convention: row t of a prediction is the law of token t given the tokens before it. A symbol that cannot come has
    log-probability -inf: whoever weighs it by its probability must count 0·(-inf) as 0. After a token that could
    not have come (the law given such a context is not defined) that token is left out as evidence, so that the rows
    stay normalised and free of NaN.
    """

    good_for: ClassVar[str]
    """What a reader may use the world for, in a sentence or two."""

    @classmethod
    @abc.abstractmethod
    def exhibit(cls) -> "Source":
        """Return the example that the gallery shows."""

    @property
    @abc.abstractmethod
    def alphabet(self) -> int:
        """Return the number V of symbols the source emits."""

    @abc.abstractmethod
    def tables(self, dtype: npt.DTypeLike = np.float32) -> Any:
        """Return every number of the law as a NamedTuple of numpy arrays, computed in float64, rounded to `dtype`."""

    @staticmethod
    @abc.abstractmethod
    def sample(tables: Any, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Any]:
        """Return one sequence of `length` tokens and a NamedTuple of its latents.

        Error: each token's law is that of the truth up to a total variation of K·2^-64, K being the numbers of the
        law it is drawn from; see `sampling` and, for urns, `dirichlet_law.drawn`.
        """

    @staticmethod
    @abc.abstractmethod
    def log_predictive(tables: Any, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return log P(X_t = v | X_<t), the Bayes prediction, in nats.

        Error: rounding only; in float32 a probability of the law below 1e-38 counts as zero.
        """

    @property
    @abc.abstractmethod
    def stationary(self) -> bool:
        """Return True only if every window of the sequence has the law of the first one."""

    @property
    def exchangeable(self) -> bool:
        """Return whether the order of the tokens plays no part: all permutations of a string are equally probable."""
        return False

    @abc.abstractmethod
    def machine(self) -> Machine | Absent:
        """Return the law as a finite hidden Markov chain, where it is one of tractable size."""

    def informed(self) -> Informed | Absent:
        """Return the laws of a token given what the oracle knows, at a random moment of the long run, float64.

        That is the state of the machine before the token, unless overridden.
        """
        machine = self.machine()
        return machine if isinstance(machine, Absent) else Informed(machine.stationary_S, finite.emissions(machine))

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"] | Absent:
        """Return P(X_0 = a, X_lag = b) at a random moment of the long run, float64, for lag >= 0."""
        finite.check_lag(lag)
        passage = _passage(self)
        return passage if isinstance(passage, Absent) else passage.pair_law(lag)

    @property
    def pair_method(self) -> Method:
        """Return how pair laws are obtained: by sums over states, unless the source has a `pair_law` of its own."""
        return "enumeration" if type(self).pair_law is Source.pair_law else "closed form"

    def pair_error(self, lag: int) -> float:
        """Return a bound on the sum of the absolute errors of all entries of the pair law: rounding, unless overridden.

        Entries are sums of positive terms, with fewer roundings in a row than there are numbers to the law, for each
        token of the lag, and than pairs of states of the machine, for its stationary law.
        """
        return ROUNDINGS * (1.0 + lag) * _numbers(self) * UNIT_ROUNDOFF

    def autocovariance(self, features_VM: Float[np.ndarray, "V M"], lag: int) -> Float[np.ndarray, "M M"] | Absent:
        """Return Cov(f(X_0), f(X_lag)) for a feature vector f(v) of each symbol, at a random moment of the long run."""
        once_VV, later_VV = self.pair_law(0), self.pair_law(lag)
        if isinstance(once_VV, Absent) or isinstance(later_VV, Absent):
            return later_VV if isinstance(later_VV, Absent) else Absent("no law of one token")
        mean_M = np.diag(once_VV) @ features_VM
        return np.asarray(features_VM.T @ later_VV @ features_VM - np.outer(mean_M, mean_M))

    def mixing(self) -> Mixing | Absent:
        """Return how fast tokens far apart become independent; see `Mixing`."""
        machine = self.machine()
        return machine if isinstance(machine, Absent) else finite.mixing(machine)

    def known_laws(self, length: int) -> KnownLaws | Absent:
        """Return the laws that contexts of a window tell for sure, float64: what a narrow model cannot hold them all.

        See `testbed.theory.bounded_rank`. Absent, unless overridden.
        """
        return Absent("the world names no finite set of laws that its contexts tell")

    def for_window(self, length: int) -> "Source":
        """Return the source that windows of `length` tokens are drawn from: itself, unless its law depends on that."""
        return self

    @abc.abstractmethod
    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the exact entropies over windows of `length` tokens; see `Truth`."""


@functools.lru_cache(maxsize=1)
def _passage(source: Source) -> finite.Passage | Absent:
    """Return that of the machine, kept as pair laws are asked for lag after lag."""
    machine = source.machine()
    return machine if isinstance(machine, Absent) else finite.Passage(machine)


@functools.lru_cache(maxsize=64)
def _numbers(source: Source) -> int:
    """Return how many numbers the law and its machine hold."""
    machine = source.machine() if source.pair_method == "enumeration" else None
    pairs = len(machine.initial_S) ** 2 if isinstance(machine, Machine) else 0
    return pairs + sampling.numbers(source.tables(np.float64))
