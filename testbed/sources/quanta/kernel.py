"""Kernels of multitask sparse parity: one sequence, pure functions of the tables."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.laws.kernels import random_bits, sampling
from testbed.laws.kernels.sampling import Cuts


class Tables(NamedTuple):
    """The law of Q tasks, the K bits that each adds up, and the law of the first token's place among the P of a block.

    The places are the task (0), the bits and the answer. `prior_Q` is the law of a task that stands before the window;
    it is empty where a block begins at the first position.
    """

    log_tasks_Q: Float[Array, " Q"]
    start_P: Float[Array, " P"]
    prior_Q: Float[Array, " U"]
    subset_QK: Int32[Array, "Q K"]
    tasks_cuts_Q: Cuts
    start_cuts_P: Cuts


class Latents(NamedTuple):
    """The place of each token in its block, and the task of that block; -1 where the token is the task itself."""

    place_L: Int32[Array, " L"]
    task_L: Int32[Array, " L"]


class Law(NamedTuple):
    """Laws of a token: the chance of a task, and that of the symbol "one" among the other two."""

    task_L: Float[Array, " L"]
    one_L: Float[Array, " L"]


def sampled(tables: Tables, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
    """Return one sequence, cut out of whole blocks."""
    tables = jax.tree.map(jnp.asarray, tables)
    tasks, period = tables.subset_QK.shape[0], tables.start_P.shape[0]
    blocks = length // period + 2
    words = sampling.words(key, (1 + blocks * (period - 1),), tables.start_P.dtype)
    start = sampling.drawn(tables.start_cuts_P, random_bits.part(words, 0))
    words_B = random_bits.part(words, slice(1, None), (blocks, period - 1))
    task_B = sampling.drawn(tables.tasks_cuts_Q, random_bits.part(words_B, (slice(None), 0)))
    bits_B = 1 - (words_B.high[:, 1:] >> 31).astype(jnp.int32)
    answer_B = jnp.take_along_axis(bits_B, tables.subset_QK[task_B], axis=1).sum(1, keepdims=True, dtype=jnp.int32) % 2
    tokens_BP = jnp.concatenate([task_B[:, None], tasks + bits_B, tasks + answer_B], axis=1)
    latent_BP = jnp.broadcast_to(task_B[:, None], tokens_BP.shape).at[:, 0].set(-1)
    tokens_L, task_L = (
        jax.lax.dynamic_slice_in_dim(each_BP.reshape(-1), start, length) for each_BP in (tokens_BP, latent_BP)
    )
    return tokens_L, Latents((start + jnp.arange(length, dtype=jnp.int32)) % period, task_L)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t); where a task comes is known from the first one on.

    An answer whose task or bits could not have come as they did is predicted as either symbol.
    """
    tables = jax.tree.map(jnp.asarray, tables)
    tokens_L = jnp.asarray(tokens_L, jnp.int32)
    time_L = jnp.arange(tokens_L.shape[0], dtype=jnp.int32)
    if not tables.prior_Q.shape[0]:
        law = _in_phase(tables, tokens_L, time_L, jnp.int32(0))
    else:
        task_L = tokens_L < tables.subset_QK.shape[0]
        first = jnp.where(task_L.any(), jnp.argmax(task_L).astype(jnp.int32), task_L.shape[0])
        told, untold = _in_phase(tables, tokens_L, time_L, first), _out_of_phase(tables, tokens_L)
        law = Law(*(jnp.where(time_L > first, a_L, b_L) for a_L, b_L in zip(told, untold, strict=True)))
    tasks_LQ = jnp.log(law.task_L)[:, None] + tables.log_tasks_Q[None, :]
    symbol_L2 = jnp.stack([1 - law.one_L, law.one_L], axis=1)
    return jnp.concatenate([tasks_LQ, jnp.log(1 - law.task_L)[:, None] + jnp.log(symbol_L2)], axis=1)


def _in_phase(tables: Tables, tokens_L: Int32[Array, " L"], time_L: Int32[Array, " L"], first: Int32[Array, ""]) -> Law:
    """Return the laws of tokens after the task at the position `first`."""
    tasks, period = tables.subset_QK.shape[0], tables.start_P.shape[0]
    place_L = (time_L - first) % period
    begin_L = jnp.maximum(time_L - place_L, 0)
    task_L = tokens_L[begin_L]
    bit_LK = tokens_L[begin_L[:, None] + 1 + tables.subset_QK[jnp.minimum(task_L, tasks - 1)]] - tasks
    sure_L = (task_L < tasks) & (bit_LK >= 0).all(1) & (place_L == period - 1)
    dtype = tables.start_P.dtype
    one_L = jnp.where(sure_L, (bit_LK.sum(1, dtype=jnp.int32) % 2).astype(dtype), 0.5)
    return Law((place_L == 0).astype(dtype), one_L)


def _out_of_phase(tables: Tables, tokens_L: Int32[Array, " L"]) -> Law:
    """Return the laws of tokens up to the first task, the symbols before which all come from one block.

    That block can have begun so that token t is a bit, the answer, or the next task. Bits are fair, so the chances of
    those change only as the last token fits the answer.
    """
    length, period = tokens_L.shape[0], tables.start_P.shape[0]
    window = min(length, period)
    begun_W = jnp.cumsum(tables.start_P.at[0].set(0))[::-1][:window]
    answer_W = tables.start_P.at[0].set(0)[::-1][:window]
    one_W = jax.lax.map(lambda time: _answer(tables, tokens_L, time), jnp.arange(window, dtype=jnp.int32))
    was_one_W = tokens_L[: window - 1] == tables.subset_QK.shape[0] + 1
    fits_W = jnp.where(was_one_W, one_W[:-1], 1 - one_W[:-1])
    task_W = jnp.append(tables.start_P[:1], 2 * answer_W[:-1] * fits_W)
    total_W = begun_W + task_W
    chance_W = jnp.where(total_W > 0, task_W / jnp.where(total_W > 0, total_W, 1), tables.start_P[0])
    share_W = answer_W / jnp.where(begun_W > 0, begun_W, 1)
    mixed_W = share_W * one_W + (1 - share_W) / 2
    after = (0, length - window)
    return Law(jnp.pad(chance_W, after, constant_values=0.5), jnp.pad(mixed_W, after, constant_values=0.5))


def _answer(tables: Tables, tokens_L: Int32[Array, " L"], time: Int32[Array, ""]) -> Float[Array, ""]:
    """Return the chance of a "one" at this position if it is an answer to a task before the window."""
    bits = tables.start_P.shape[0] - 2
    time_QK = time - bits + tables.subset_QK
    bit_QK = tokens_L[jnp.maximum(time_QK, 0)] - tables.subset_QK.shape[0]
    sure_Q = ((time_QK >= 0) & (bit_QK >= 0)).all(1)
    parity_Q = (bit_QK.sum(1, dtype=jnp.int32) % 2).astype(tables.prior_Q.dtype)
    return (tables.prior_Q * jnp.where(sure_Q, parity_Q, 0.5)).sum()
