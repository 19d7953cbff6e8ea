"""Block-stationary sources as finite hidden Markov chains."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent
from testbed.sources.block_stationary.fields import Fields

Edges = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class States(NamedTuple):
    """How states are numbered: 0 is "a block begins", then come K that follow an announcer, if any, then the others.

    The others are numbered by age, from `first_age` on, then regime, then previous symbol (where the order is 1).
    """

    first_age: int
    ages: int
    regimes: int
    contexts: int

    @property
    def base(self) -> int:
        """Return the number of states before the others."""
        return 1 if self.first_age == 1 else 1 + self.regimes

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the numbers of later ages, regimes and contexts."""
        return max(self.ages - self.first_age, 0), self.regimes, self.contexts

    def number(
        self, age: Int[np.ndarray, "*a"], regime: Int[np.ndarray, "*k"], symbol: Int[np.ndarray, "*v"]
    ) -> Int[np.ndarray, "*akv"]:
        """Return the state in which the next token has that age, after that symbol; ages end at the last one."""
        later = np.minimum(age, self.ages - 1) - self.first_age
        context = symbol if self.contexts > 1 else 0
        return np.asarray(self.base + (later * self.regimes + regime) * self.contexts + context)


def machine(source: Fields) -> Machine | Absent:
    """Return the machine of regime, age and previous symbol, which forgets all of them where a block ends."""
    hazard_J, met_J = _ages(source)
    rows_KUV = _padded(source, source.components())
    states = States(2 if source.announced else 1, len(hazard_J), *rows_KUV.shape[:2])
    transitions = 2 * states.shape[0] * rows_KUV.size
    if transitions > finite.LARGEST_EDGES:
        return Absent(f"up to {transitions} transitions: at most {finite.LARGEST_EDGES} are written out")
    edges = [*_beginnings(source, states, hazard_J), *_continuations(states, rows_KUV, hazard_J)]
    origin_E, symbol_E, target_E, probability_E = (np.concatenate(parts) for parts in zip(*edges, strict=True))
    stationary_S = _long_run(source, states, met_J)
    initial_S = stationary_S if source.stationary else np.eye(1, len(stationary_S))[0]
    return Machine(source.alphabet, initial_S, stationary_S, origin_E, symbol_E, target_E, probability_E)


def _ages(source: Fields) -> tuple[Float[np.ndarray, " J"], Float[np.ndarray, " J"]]:
    """Return the hazards and the long-run law of the ages; age 1 stands for itself where it follows an announcer."""
    lengths = source.length_law()
    hazard_J, met_J = lengths.hazard_J, lengths.met_J
    if source.announced and source.lengths == "geometric":
        shares = np.array([hazard_J[1], 1 - hazard_J[1]])
        return np.append(hazard_J, hazard_J[1]), np.append(met_J[:1], met_J[1] * shares)
    return hazard_J, met_J


def _padded(source: Fields, rows: Float[np.ndarray, "*rows V"]) -> Float[np.ndarray, "*rows W"]:
    """Return rows that give announcers no probability."""
    return np.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, source.alphabet - source.vocabulary)])


def _beginnings(source: Fields, states: States, hazard_J: Float[np.ndarray, " J"]) -> list[Edges]:
    """Return the edges of the first token of a block, and of the one that follows an announcer."""
    prior_K, own_KV = source.regime_prior(), _padded(source, source.stationary_laws())
    regime_K1, symbol_1V = np.arange(source.regimes)[:, None], np.arange(source.alphabet)[None, :]
    after_KV = states.number(np.array(states.first_age), regime_K1, symbol_1V)
    if not source.announced:
        return _edges(np.zeros_like(regime_K1), prior_K[:, None] * own_KV, after_KV, hazard_J[0])
    names_KV = prior_K[:, None] * np.eye(source.regimes, source.alphabet, source.vocabulary)
    announced = _edges(np.zeros_like(regime_K1), names_KV, 1 + regime_K1, hazard_J[0])
    return announced + _edges(1 + regime_K1, own_KV, after_KV, hazard_J[1])


def _continuations(
    states: States, rows_KUV: Float[np.ndarray, "K U V"], hazard_J: Float[np.ndarray, " J"]
) -> list[Edges]:
    """Return the edges of later tokens, age by age, regime, previous symbol and symbol."""
    ages, regimes, contexts = states.shape
    axes = ages, regimes, contexts, rows_KUV.shape[2]
    age, regime, context, symbol = np.ogrid[tuple(slice(each) for each in axes)]
    age = age + states.first_age
    origin = states.number(age, regime, context)
    return _edges(origin, rows_KUV[None], states.number(age + 1, regime, symbol), hazard_J[age])


def _edges(origin: np.ndarray, rows: np.ndarray, onto: np.ndarray, ends: np.ndarray | np.floating) -> list[Edges]:
    """Return the edges of states that emit with these rows: into a new block at the chance `ends`, or on."""
    edges = []
    for target, share in ((onto, 1 - ends), (np.zeros_like(onto), ends)):
        symbol = np.arange(rows.shape[-1])
        each = np.broadcast_arrays(origin, symbol, target, rows * share)
        taken = each[3] > 0
        edges.append((each[0][taken], each[1][taken], each[2][taken], each[3][taken]))
    return edges


def _long_run(source: Fields, states: States, met_J: Float[np.ndarray, " J"]) -> Float[np.ndarray, " S"]:
    """Return the law of the state at a random moment."""
    prior_K = source.regime_prior()
    seen_KU = source.stationary_laws() if source.order else np.ones((source.regimes, 1))
    later = met_J[states.first_age :, None, None] * (prior_K[:, None] * seen_KU)[None]
    return np.concatenate([met_J[:1], *([prior_K * met_J[1]] if source.announced else []), later.reshape(-1)])
