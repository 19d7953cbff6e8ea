"""Hidden Markov chains: the classics of computational mechanics by name, and any other by its matrices."""

import functools
import pathlib
from typing import Any, ClassVar, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog, reading
from testbed.laws import simplex
from testbed.laws.machines import edge_filter, finite
from testbed.laws.machines.edge_filter import Edges
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Budget, Truth
from testbed.laws.source import Source
from testbed.sources.hidden_markov.classics import CLASSICS, known_name

LARGEST_STATES = 4096


class Latents(NamedTuple):
    """The state of the chain before each token."""

    state_L: Int32[Array, " L"]


class HiddenMarkov(Source, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """A stationary hidden Markov chain that emits on its transitions: a classic by name, or given by matrices."""

    good_for: ClassVar[str] = (
        "Prediction that needs a belief about a hidden state: how much context a model can use, how slowly the entropy"
        " of a token falls to its rate, and what geometry its inner states must hold."
    )

    process: str | None = None
    """Name of a classic, in any spelling of its letters, hyphens and underscores."""
    parameters: tuple[float, ...] = ()
    """All parameters of the classic in the order of its definition (none: their usual values)."""
    transitions: tuple[tuple[tuple[float, ...], ...], ...] | None = None
    """The matrices T[x][s][s'] = P(X = x, next state = s' | state = s) themselves."""

    def __post_init__(self) -> None:
        if (self.process is None) == (self.transitions is None):
            raise ValueError(
                f"process={self.process!r} with transitions {'absent' if self.transitions is None else 'given'}: a"
                " source has one law; give either the name of a classic or the matrices."
            )
        if self.process is not None:
            msgspec.structs.force_setattr(self, "process", known_name(self.process))
            simplex.one_of("process", self.process, tuple(CLASSICS))
            _check_parameters(self.process, self.parameters)
        elif self.parameters:
            raise ValueError(f"parameters={self.parameters}: matrices have none; leave them out or name a process.")
        simplex.recurrent("the chain of states", self.matrices().sum(0))

    @classmethod
    def exhibit(cls) -> "HiddenMarkov":
        """Return mess3, whose beliefs form a fractal."""
        return cls(process="mess3")

    @property
    def alphabet(self) -> int:
        """Return the number V of symbols."""
        return len(self.matrices())

    @property
    def stationary(self) -> bool:
        """Return True: the chain starts from its stationary law."""
        return True

    def matrices(self) -> Float[np.ndarray, "V S S"]:
        """Return T[x, s, s'] = P(X = x, next state = s' | state = s), float64."""
        if self.process is None:
            return _given_matrices(self.transitions)
        classic = CLASSICS[self.process]
        return classic.build(*(self.parameters or classic.defaults.values()))

    def machine(self) -> Machine:
        """Return the chain."""
        return _machine_of(self)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Edges:
        """Return the numbers of the law."""
        return edge_filter.tables_of(_machine_of(self), dtype)

    @staticmethod
    def sample(tables: Edges, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence and the states before its tokens."""
        tokens_L, state_L = edge_filter.sampled(tables, key=key, length=length)
        return tokens_L, Latents(state_L)

    @staticmethod
    def log_predictive(tables: Edges, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return log P(X_t = v | X_<t) by filtering the state."""
        return edge_filter.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies, sums over distinct beliefs as far as the budget goes and between bounds beyond."""
        from testbed.laws.entropies import of_machine  # late: it imports scipy

        return of_machine.truth(self, length, budget)


def from_file(path: str | pathlib.Path) -> HiddenMarkov:
    """Return the chain whose matrices T[x][s][s'] stand in a file: {"T": …} in JSON, or the array T in npz.

    Error: ValueError if there is no such file, it holds no array of numbers called T, anything beside it, or T is no
    stationary chain.
    """
    file = pathlib.Path(path)
    if not file.is_file():
        what = "it is a folder" if file.is_dir() else "there is no such file"
        raise ValueError(f"{file}: {what}; give the path of a .json or .npz file.")
    if file.suffix not in (".json", ".npz"):
        raise ValueError(f"{file}: its ending must be .json or .npz; save the matrices in one of these forms.")
    content = _from_npz(file) if file.suffix == ".npz" else _from_json(file)
    if not isinstance(content, dict) or "T" not in content:
        raise ValueError(f"{file}: it holds no T; store the matrices T[x][s][s'] under that name.")
    beside = ", ".join(name[:40] for name in sorted(content) if name != "T")
    if beside:
        rule = "T is all that is read, as a chain begins in the long-run law of its states"
        raise ValueError(f"{file}: it holds {beside} beside T, which would play no part: {rule}; leave out all but T.")
    try:
        matrices = _given_matrices(content["T"])
        return HiddenMarkov(transitions=tuple(tuple(map(tuple, rows)) for rows in matrices.tolist()))
    except ValueError as refusal:
        raise ValueError(f"{file}: {refusal}") from None


def _from_json(file: pathlib.Path) -> Any:
    try:
        return reading.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f'{file}: it is not JSON ({error}); write an object like {{"T": [[[0.5, …]]]}}.') from None


def _from_npz(file: pathlib.Path) -> Any:
    import zipfile  # late: few configurations are read from a file

    try:
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as arrays:
            return {name: arrays[name] if name == "T" else None for name in arrays.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file}: it is no npz archive of numbers ({error}); save it by numpy.savez.") from None


def _given_matrices(transitions: Any) -> Float[np.ndarray, "V S S"]:
    """Return matrices given by hand, each state's probabilities normalised to the last digit."""
    try:
        array = np.asarray(transitions)
    except ValueError:
        raise ValueError("transitions are ragged: give one square matrix for each symbol.") from None
    if array.dtype.kind in "iuf" and any(isinstance(each, bool) for each in simplex.leaves(transitions)):
        raise ValueError("transitions hold true or false among numbers: write 1 or 0 where a probability is meant.")
    if array.dtype.kind not in "iuf":
        raise ValueError(f"transitions hold {array.dtype} entries: probabilities are real numbers; store them as such.")
    if array.ndim != 3 or array.shape[1] != array.shape[2] or array.size == 0:
        raise ValueError(f"transitions have the shape {array.shape}: it must be (V, S, S); give T[x][s][s'].")
    symbols, states, _ = array.shape
    simplex.at_least("transitions: number of symbols", symbols, 2, "a single symbol carries no information")
    if states > LARGEST_STATES:
        raise ValueError(f"transitions have {states} states: at most {LARGEST_STATES} are supported; merge some.")
    rows = simplex.given_rows(
        "transitions", list(array.transpose(1, 0, 2).reshape(states, -1)), (states, array[:, 0].size), each="state"
    )
    return np.ascontiguousarray(rows.reshape(states, symbols, states).transpose(1, 0, 2))


def _check_parameters(process: str, parameters: tuple[float, ...]) -> None:
    """Refuse parameters that are too few, too many or no probabilities."""
    classic = CLASSICS[process]
    names = ", ".join(classic.defaults)
    if parameters and len(parameters) != len(classic.defaults):
        raise ValueError(
            f"parameters={parameters}: {process} has {len(classic.defaults)}, namely {names}; give all or none."
        )
    for name, value in zip(classic.defaults, parameters, strict=bool(parameters)):
        largest = classic.largest.get(name, 1.0)
        if not 0 <= value <= largest:
            raise ValueError(
                f"{name}={value} of {process}: it must lie between 0 and {largest}; the usual value is"
                f" {classic.defaults[name]}."
            )


@functools.lru_cache(maxsize=64)
def _machine_of(source: HiddenMarkov) -> Machine:
    T_VSS = source.matrices()
    law_S = simplex.stationary("the chain of states", T_VSS.sum(0))
    return finite.from_matrices(T_VSS, law_S, law_S)
