"""The entropies of block-stationary sources."""

import functools

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
from jaxtyping import Array, Float, Int32, Key
from scipy.special import entr

from testbed.laws import record, renewal, simplex
from testbed.laws.entropies import bounded, conditional, monte_carlo, narrowing, walked
from testbed.laws.entropies.conditional import Curve
from testbed.laws.kernels.blocks import Tables
from testbed.laws.machines import mixed_states
from testbed.laws.machines.mixed_states import Walk
from testbed.laws.record import Absent, Budget, Quantity, Truth
from testbed.laws.source import Source
from testbed.sources import _components
from testbed.sources.block_stationary.fields import Fields

CONTEXTS = 2**14
NARROW = 1e-3


def truth(source: Fields, length: int, budget: Budget) -> Truth:
    """Return the entropies over windows of `length` tokens."""
    record.check_length(length)
    exact = functools.partial(record.rounded, operations=4.0 * source.alphabet**2 + len(source.length_law().met_J))
    oracle = _oracle(source)
    if source.announced and source.phase == "aligned":
        values = _announced_values(source, length)
        curve, epsilon = tuple(map(exact, values)), exact(float(np.mean(values)))
    else:
        curve, epsilon = _measured_curve(source, length, budget)
    if source.announced:
        lengths = source.length_law()
        rate: Quantity | Absent = exact(oracle + _regime_entropy(source) / lengths.mean + renewal.ending(lengths))
    elif source.lengths == "fixed":
        rate = _mean_over_block(source, budget)
    else:
        rate = _bracketed_rate(source, length, budget)
    found = Truth(length=length, curve=curve, epsilon=epsilon, rate=rate, oracle=exact(oracle))
    return bounded.settled(source, found, budget)


def _oracle(source: Fields) -> float:
    told = source.informed()
    return float(told.weight_S @ simplex.entropy(told.rows_SV))


def _regime_entropy(source: Fields) -> float:
    return float(entr(source.regime_prior()).sum())


def _announced_values(source: Fields, length: int) -> list[float]:
    """Return h_t where every block from the first position on names its regime, so that regime and age are known.

    The token before has age j with probability (renewals * survival)_j; what is uncertain then is whether its block
    ends, and either the next regime or the next token of this one.
    """
    lengths = source.length_law()
    hazard_T, survival_T = renewal.hazard(lengths, length), renewal.survival(lengths, length)
    own_T = np.append(_components.first_entropy(source), np.full(length - 1, _components.later_entropy(source)))
    regime = _regime_entropy(source)
    after_T = entr(hazard_T) + entr(1 - hazard_T) + hazard_T * regime + (1 - hazard_T) * own_T
    later_T = np.convolve(renewal.renewals(lengths, length), survival_T * after_T)
    return [regime, *map(float, later_T[: length - 1])]


def _measured_curve(source: Fields, length: int, budget: Budget) -> tuple[tuple[Quantity, ...], Quantity]:
    """Return h_t and its mean; aligned blocks of fixed length are independent, so that one block holds them all."""
    horizon = min(length, source.block_length) if _repeats(source) else length
    curve = _curve_of(source, horizon, budget)
    values, share_L = curve.positions(), np.bincount(np.arange(length) % horizon) / length
    return tuple(values[position % horizon] for position in range(length)), curve.mean(share_L)


def _repeats(source: Fields) -> bool:
    return source.phase == "aligned" and source.lengths == "fixed"


@functools.lru_cache(maxsize=1)
def _curve_of(source: Fields, horizon: int, budget: Budget) -> Curve:
    """Return the curve of a window; a single block has the law of one regime for ever."""
    machine = _components.machine(source) if _repeats(source) and not source.announced else source.machine()
    return walked.curve(source, machine, horizon, budget, operations=horizon * _filtering(source, horizon))


def _filtering(source: Fields, length: int) -> int:
    """Return the operations of a token in a window: for each regime, symbols and ages."""
    return source.regimes * (source.vocabulary + min(length, len(source.length_law().met_J)) + 8)


def _mean_over_block(source: Fields, budget: Budget) -> Quantity | Absent:
    """Return the rate for blocks of fixed length: not knowing their phase costs at most ln w nats in all."""
    block = source.block_length
    beyond = conditional.out_of_reach(block, source.alphabet, _filtering(source, block))
    if beyond is not None:
        return beyond
    aligned = msgspec.structs.replace(source, phase="aligned")
    return _curve_of(aligned, block, budget).mean(np.full(block, 1 / block))


def _bracketed_rate(source: Fields, length: int, budget: Budget) -> Quantity | Absent:
    """Return the rate of blocks of random length, between h_L and the same entropy given the state before the window.

    Both are those of the stationary process, of which alignment is forgotten in the long run. They are sums over
    contexts where these leave an interval narrow enough, otherwise means over samples if those leave a narrower one.
    """
    certified, price = _certified_rate(source, budget)
    if certified is not None and certified.width <= (budget.width or NARROW):
        return certified
    sampled = _sampled_rate(source, length, budget)
    if certified is None or (isinstance(sampled, Quantity) and sampled.error < certified.error):
        found: Quantity | Absent = sampled
    else:
        found = certified
    if isinstance(found, Quantity):
        record.check("the rate", found, budget, price=price)
    return found


def _certified_rate(source: Fields, budget: Budget) -> tuple[Quantity | None, str]:
    """Return the interval from the contexts of a small machine, as many as are allowed, and a narrower one's price."""
    machine = source.machine()
    if isinstance(machine, Absent) or len(machine.initial_S) ** 2 * machine.symbols > mixed_states.LARGEST_NUMBERS:
        return None, ""
    starts = mixed_states.known(machine.stationary_S), mixed_states.unknown(machine.stationary_S)
    lower, upper = (Walk(machine, start) for start in starts)
    contexts = min(budget.contexts, CONTEXTS)
    price = narrowing.narrowed(upper, lower, budget, contexts=contexts, work=mixed_states.LARGEST_WORK)
    found = record.bracketed(lower.positions[-1].low, upper.positions[-1].high, method="certified interval")
    return found, price


def _sampled_rate(source: Fields, length: int, budget: Budget) -> Quantity | Absent:
    """Return the interval from means over the later half of a window of at least eight mean block lengths."""
    window = max(length, 8 * source.block_length)
    beyond = conditional.out_of_reach(window, source.alphabet, _filtering(source, window))
    if beyond is not None:
        return beyond
    tables = msgspec.structs.replace(source, phase="uniform").tables(np.float64)
    shape = (monte_carlo.count(budget.tokens, window), window, source.alphabet)
    low, high = monte_carlo.means(
        conditional.sampled(_ends, type(source), tables, shape, budget), conditional.all_of(source.alphabet)
    )
    return record.between(low, high, least=_oracle(source))


def _ends(kind: type[Source], length: int, tables: Tables, key: Key[Array, ""]) -> Float[Array, "2"]:
    """Return the mean entropies over the later half of a window, with and without the state before it."""
    tokens_L, latents = kind.sample(tables, key=key, length=length + 1)
    before = _after(tables, (latents.regime_L[0], latents.age_L[0], tokens_L[0]), length)
    informed_LV = kind.log_predictive(before, tokens_L[1:])
    uninformed_LV = kind.log_predictive(tables, tokens_L)[1:]
    return jnp.stack([conditional.entropy(each_LV[length // 2 :]).mean() for each_LV in (informed_LV, uninformed_LV)])


def _after(tables: Tables, state: tuple[Int32[Array, ""], ...], length: int) -> Tables:
    """Return the law of the `length` tokens that follow a regime, an age and a symbol: a block begun before them."""
    regime, age, symbol = state
    tables = jax.tree.map(jnp.asarray, tables)
    ages, contexts = tables.hazard_J.shape[0], tables.rows_KUV.shape[1]
    known_K = jnp.zeros_like(tables.prior_K).at[regime].set(1)
    ends = tables.hazard_J[age]
    following_J = jnp.minimum(age + 1 + jnp.arange(min(ages, length), dtype=jnp.int32), ages - 1)
    rows_KUV = tables.rows_KUV.at[:, -2].set(tables.rows_KUV[:, jnp.minimum(symbol, contexts - 2)])
    initial_K2 = jnp.stack([tables.prior_K * ends, known_K * (1 - ends)], axis=1)
    return tables._replace(residual_J=tables.hazard_J[following_J], initial_K2=initial_K2, rows_KUV=rows_KUV)
