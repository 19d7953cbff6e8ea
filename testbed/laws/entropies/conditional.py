"""Entropies of a source that has only a predictive: enumerated as far as the budget goes, sampled beyond."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from testbed.ground import keys
from testbed.laws import effort, record, simplex
from testbed.laws.entropies import monte_carlo
from testbed.laws.entropies.monte_carlo import Span
from testbed.laws.kernels import sampling
from testbed.laws.record import Absent, Budget, Quantity
from testbed.laws.source import Source

CHUNK, LARGEST_PREDICTION, LARGEST_WORK = 2**20, 2**27, 2**32

Sampled = Callable[[type[Source], int, Any, Key[Array, ""]], Float[Array, " L"]]


class Curve(NamedTuple):
    """h_t for the first positions exactly, and H(X_t | X_<t = x) of B sampled contexts x for all L positions.

    `samples_BL` holds independent rows whose mean is h_t (Rao-Blackwell: the exact entropy of the prediction, not the
    surprise of one token) and that lie within `span`; it has no rows where every position is exact.
    """

    exact_T: Float[np.ndarray, " T"]
    samples_BL: Float[np.ndarray, "B L"]
    operations: int
    span: Span

    def positions(self) -> tuple[Quantity, ...]:
        """Return h_1, …, h_L."""
        known = [record.rounded(float(value), self.operations, method="enumeration") for value in self.exact_T]
        later_BT = self.samples_BL[:, len(known) :]
        if not later_BT.size:
            return tuple(known)
        span = Span(*(end_L[len(known) :] for end_L in self._ends()))
        return (*known, *monte_carlo.means(later_BT, span))

    def _ends(self) -> list[Float[np.ndarray, " L"]]:
        """Return the ends of the samples of positions that are not exact, 0 for the others."""
        late_L = np.arange(self.samples_BL.shape[1]) >= len(self.exact_T)
        return [np.where(late_L, end, 0.0) for end in self.span]

    def mean(self, weights_L: Float[np.ndarray, " L"]) -> Quantity:
        """Return Σ_t weight_t·h_t with the standard error of the sum, as positions are correlated."""
        known = len(self.exact_T)
        exact = float(weights_L[:known] @ self.exact_T)
        if not weights_L[known:].any():
            return record.rounded(exact, self.operations, method="enumeration")
        weights_T = weights_L[known:]
        span = Span(*(float(weights_L @ end_L) for end_L in self._ends()))
        return record.moved(monte_carlo.mean(self.samples_BL[:, known:] @ weights_T, span), exact)


def curve(kind: type[Source], tables: Any, length: int, budget: Budget) -> Curve:
    """Return the Bayes curve of the law with these float64 tables.

    Error: rounding for the first positions, those that need at most `budget.contexts` contexts; sampling beyond.
    """
    symbols = _symbols(kind, tables)
    known = depth(symbols, length, budget)
    exact_T = enumerated(kind, tables, known, symbols, budget)
    count = 0 if known == length else monte_carlo.count(budget.tokens, length)
    samples_BL = sampled(_entropies, kind, tables, (count, length, symbols), budget) if count else np.zeros((0, length))
    return Curve(exact_T, samples_BL, operations(tables, known), all_of(symbols))


def all_of(symbols: int) -> Span:
    """Return the ends between which the entropy of one of so many symbols lies."""
    return Span(0.0, float(np.log(symbols)))


def exactly(exact_T: Float[np.ndarray, " T"], operations: int) -> Curve:
    """Return a curve of which every position is known up to rounding."""
    return Curve(exact_T, np.zeros((0, len(exact_T))), operations, all_of(2))


def depth(symbols: int, length: int, budget: Budget) -> int:
    """Return the last position, at most `length`, whose contexts can all be visited."""
    position = 1
    while position < length and symbols**position <= budget.contexts:
        position += 1
    return position


def enumerated(kind: type[Source], tables: Any, length: int, symbols: int, budget: Budget) -> Float[np.ndarray, " L"]:
    """Return h_1, …, h_L by visiting every context of length-1 tokens.

    Error: ValueError if that takes more than the patience of the budget.
    """
    simplex.laid_out(f"a prediction of {length} tokens over {symbols} symbols", length * symbols, LARGEST_PREDICTION)
    what, total, done = f"visiting {symbols ** (length - 1)} contexts", symbols ** (length - 1), 0
    with jax.enable_x64(True):
        entropy_L = np.zeros(length)
        for tokens_BL, real_B in _contexts(symbols, length):
            if not done and budget.patience is not None:
                work = effort.operations(functools.partial(_visit, kind), tables, tokens_BL)
                effort.allow(what, work * total / len(tokens_BL), budget, "lower contexts")
            effort.step(what, done, total)
            probability_B, entropy_BL = _visit(kind, tables, tokens_BL)
            entropy_L += (np.asarray(probability_B) * real_B) @ np.asarray(entropy_BL)
            done += len(tokens_BL)
    return entropy_L


def out_of_reach(length: int, symbols: int, operations: int) -> Absent | None:
    """Return why windows of `length` tokens, each of which costs so many operations, are not sampled; None if they are.

    That is for rates that need longer windows than were asked for.
    """
    if length * symbols > LARGEST_PREDICTION:
        rule = f"{length * symbols} numbers: predictions have at most {LARGEST_PREDICTION}"
    elif length * operations > LARGEST_WORK:
        rule = f"{length * operations:.1e} operations: at most {LARGEST_WORK:.1e} are spent on one window"
    else:
        return None
    return Absent(f"a mean over windows of {length} tokens, of {rule}; use shorter blocks")


def operations(tables: Any, length: int) -> int:
    """Return a generous count of the roundings in a row that reach the prediction of position `length`."""
    return length * sampling.numbers(tables)


def sampled(
    one: Sampled, kind: type[Source], tables: Any, shape: tuple[int, int, int], budget: Budget
) -> Float[np.ndarray, "B L"]:
    """Return at least `count` rows of `one`; `shape` is (count, length, symbols), for the size of a chunk.

    Error: ValueError if that takes more than the patience of the budget.
    """
    count, length, symbols = shape
    simplex.laid_out(f"a prediction of {length} tokens over {symbols} symbols", length * symbols, LARGEST_PREDICTION)
    batch = min(count, max(1, CHUNK // (length * symbols)))
    chunks, rows = -(-count // batch), []
    what = f"sampling {count} windows of {length} tokens"
    with jax.enable_x64(True):
        for chunk in range(chunks):
            key = keys.stream(budget.seed, "truth", chunk)
            if not chunk and budget.patience is not None:
                work = chunks * effort.operations(functools.partial(_batch, one, kind, length, batch), tables, key)
                effort.allow(what, work, budget, _shorter(work * monte_carlo.FEWEST / count, budget))
            effort.step(what, chunk, chunks)
            rows.append(np.asarray(_batch(one, kind, length, batch, tables, key)))
    return np.concatenate(rows)


def _shorter(least: float, budget: Budget) -> str:
    """Return what would make sampling shorter, if the fewest windows that may be sampled take so many operations."""
    if effort.affordable(least, budget):
        return "lower tokens"
    return f"shorten the window, as {monte_carlo.FEWEST} windows are the least that tell their own error"


def entropy(logp_LV: Float[Array, "L V"]) -> Float[Array, " L"]:
    """Return the entropy of each row, with 0·(-inf) = 0."""
    possible_LV = logp_LV > -jnp.inf
    return -jnp.sum(jnp.where(possible_LV, jnp.exp(logp_LV) * logp_LV, 0), axis=-1)


def _entropies(kind: type[Source], length: int, tables: Any, key: Key[Array, ""]) -> Float[Array, " L"]:
    tokens_L, _ = kind.sample(tables, key=key, length=length)
    return entropy(kind.log_predictive(tables, tokens_L))


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _batch(
    one: Sampled, kind: type[Source], length: int, batch: int, tables: Any, key: Key[Array, ""]
) -> Float[Array, "B L"]:
    return jax.vmap(lambda each: one(kind, length, tables, each))(jax.random.split(key, batch))


@functools.partial(jax.jit, static_argnums=0)
def _visit(
    kind: type[Source], tables: Any, tokens_BL: Int[Array | np.ndarray, "B L"]
) -> tuple[Float[Array, " B"], Float[Array, "B L"]]:
    """Return P(x_<L) and the entropies of the predictions after each prefix."""
    logp_BLV = jax.vmap(functools.partial(kind.log_predictive, tables))(tokens_BL)
    logp_BL = jnp.take_along_axis(logp_BLV, tokens_BL[..., None], axis=2)[..., 0]
    return jnp.exp(logp_BL[:, :-1].sum(1)), jax.vmap(entropy)(logp_BLV)


def _symbols(kind: type[Source], tables: Any) -> int:
    return int(jax.eval_shape(kind.log_predictive, tables, np.zeros(1, np.int32)).shape[1])


def _contexts(symbols: int, length: int) -> Iterator[tuple[Int[np.ndarray, "B L"], Float[np.ndarray, " B"]]]:
    """Yield all strings of length-1 symbols, followed by a token that does not count; 0 marks the padding."""
    total = symbols ** (length - 1)
    batch = min(total, max(1, CHUNK // (length * symbols)))
    place_L = symbols ** np.arange(length - 2, -1, -1)
    for start in range(0, total, batch):
        code_B = np.arange(start, start + batch)
        digits = (code_B % total)[:, None] // place_L[None, :] % symbols
        yield np.pad(digits, ((0, 0), (0, 1))).astype(np.int32), (code_B < total).astype(np.float64)
