"""The entropies of Markov chains whose matrix is resampled for each sequence."""

from typing import NamedTuple

import jax
import msgspec
import numpy as np
from jaxtyping import Float, Int
from scipy.special import entr

from testbed.ground import keys
from testbed.laws import dirichlet_law, effort, simplex
from testbed.laws import record as records
from testbed.laws.entropies import bounded, conditional, monte_carlo
from testbed.laws.entropies.conditional import Curve
from testbed.laws.record import Absent, Budget, Quantity, Truth
from testbed.sources.in_context_markov import two_states
from testbed.sources.in_context_markov.fields import Fields

LARGEST_NUMBERS, LARGEST_CHAIN, LEAST_CONCENTRATION = 2**25, 512, 0.02
LEAST_CHANCE, DRAWN = 1e-280, 256
"""A transition that float64 rounded to nothing has this probability; what drawing one costs, in operations."""
FREE_NUMBERS = 2**12
"""Transitions of a matrix that costs no more than drawing its tokens; larger ones count for more."""


class Histories(NamedTuple):
    """Contexts of one length, those that give the same prediction for ever merged, and their probabilities.

    As the law does not tell symbols apart, they are named by the order of their first appearance; `used_N` of them
    appeared. `count_NUW` holds how often each name followed each string of k names, `recent_NK` the last k names.
    """

    count_NUW: Int[np.ndarray, "N U W"]
    recent_NK: Int[np.ndarray, "N K"]
    used_N: Int[np.ndarray, " N"]
    probability_N: Float[np.ndarray, " N"]


def truth(source: Fields, length: int, budget: Budget) -> Truth:
    """Return the entropies over windows of `length` tokens.

    With two symbols and order 1 no h_t is below the rate: h_t >= E[H(row at t)], more by the mean over the chances a, b
    to leave a state of (1-a-b)^(t-2)·(a-b)·(H(a)-H(b))/(2(a+b)), which is at 1-a, 1-b no larger, if of another sign.
    """
    records.check_length(length)
    curve, rate = _curve_of(source, length, budget), _rate(source, budget)
    epsilon = curve.mean(np.full(length, 1 / length))
    found = Truth(length=length, curve=curve.positions(), epsilon=epsilon, rate=rate, oracle=rate)
    return bounded.settled(source, found, budget, floor=bounded.least(rate))


def _curve_of(source: Fields, length: int, budget: Budget) -> Curve:
    """Return the curve, by merged contexts as far as the budget goes and sampled beyond."""
    exact_T = _merged(source, length, budget.contexts)
    operations = 16 * (length + source.vocabulary)
    if len(exact_T) == length:
        return conditional.exactly(exact_T, operations)
    least = msgspec.structs.replace(budget, contexts=1)
    sampled = conditional.curve(type(source), source.tables(np.float64), length, least)
    return sampled._replace(exact_T=exact_T, operations=operations)


def _merged(source: Fields, length: int, contexts: int) -> Float[np.ndarray, " T"]:
    """Return h_1, h_2, … as long as no more than `contexts` merged contexts are needed."""
    start = np.zeros((1, 1, 1), np.int16), np.zeros((1, source.order), np.int16), np.zeros(1, np.int16), np.ones(1)
    histories, entropy_T = Histories(*start), np.zeros(0)
    while len(entropy_T) < length and len(histories.used_N) <= contexts:
        chance_NW, other_N = _chances(source, histories, len(entropy_T))
        unnamed = source.vocabulary - chance_NW.shape[1]
        entropy_N = entr(chance_NW).sum(1) + unnamed * entr(other_N)
        entropy_T = np.append(entropy_T, (histories.probability_N * entropy_N).sum())
        children = len(histories.used_N) * (int(histories.used_N.max()) + 1)
        if children * min(source.vocabulary, len(entropy_T)) ** (source.order + 1) > LARGEST_NUMBERS:
            break
        histories = _longer(source, histories, len(entropy_T) - 1)
    return entropy_T


def _context(histories: Histories) -> Int[np.ndarray, " N"]:
    names, order = histories.count_NUW.shape[2], histories.recent_NK.shape[1]
    return np.asarray(histories.recent_NK @ names ** np.arange(order - 1, -1, -1))


def _chances(
    source: Fields, histories: Histories, seen: int
) -> tuple[Float[np.ndarray, "N W"], Float[np.ndarray, " N"]]:
    """Return the prediction of each of the W names after `seen` tokens, and that of any symbol without a name."""
    row_NW = histories.count_NUW[np.arange(len(histories.used_N)), _context(histories)] * float(seen >= source.order)
    total_N = row_NW.sum(1) + source.dirichlet().sum()
    return (row_NW + source.concentration) / total_N[:, None], source.concentration / total_N


def _longer(source: Fields, histories: Histories, seen: int) -> Histories:
    """Return the histories of one token more than `seen`: a name that was used, or the next new one."""
    names = min(source.vocabulary, seen + 1)
    chance_NW, other_N = _chances(source, histories, seen)
    from_H, name_H = np.nonzero(np.arange(names) <= histories.used_N[:, None])
    used_H = histories.used_N[from_H]
    new_H = (source.vocabulary - used_H) * other_N[from_H]
    known_H = chance_NW[from_H, np.minimum(name_H, chance_NW.shape[1] - 1)]
    wider = _wider(histories, names)
    count_HUW = wider.count_NUW[from_H]
    if seen >= source.order:
        count_HUW[np.arange(len(from_H)), _context(wider)[from_H], name_H] += 1
    recent_HK = np.concatenate([histories.recent_NK[from_H, 1:], name_H[:, None].astype(np.int16)], axis=1)
    probability_H = histories.probability_N[from_H] * np.where(name_H == used_H, new_H, known_H)
    return _united(Histories(count_HUW, recent_HK, np.maximum(used_H, name_H + 1).astype(np.int16), probability_H))


def _wider(histories: Histories, names: int) -> Histories:
    """Return the same with room for more names."""
    before, order = histories.count_NUW.shape[2], histories.recent_NK.shape[1]
    cube = histories.count_NUW.reshape(-1, *[before] * (order + 1))
    cube = np.pad(cube, [(0, 0), *[(0, names - before)] * (order + 1)])
    return histories._replace(count_NUW=cube.reshape(len(cube), names**order, names))


def _united(histories: Histories) -> Histories:
    """Return each history once, with the sum of the probabilities of its copies."""
    size = len(histories.used_N)
    parts = histories.count_NUW.reshape(size, -1), histories.recent_NK, histories.used_N[:, None]
    record = np.ascontiguousarray(np.concatenate(parts, axis=1))
    _, first_N, which = np.unique(record.view(f"V{record[0].nbytes}")[:, 0], return_index=True, return_inverse=True)
    count_NUW, recent_NK, used_N = (each[first_N] for each in histories[:3])
    return Histories(count_NUW, recent_NK, used_N, np.bincount(which, weights=histories.probability_N))


def _rate(source: Fields, budget: Budget) -> Quantity | Absent:
    """Return the mean over the matrices P of Σ_u π_u·H(row u), π the stationary law of P."""
    if (source.vocabulary, source.order) == (2, 1):
        return two_states.rate(source)
    contexts = source.vocabulary**source.order
    if contexts > LARGEST_CHAIN:
        return Absent(f"a mean over random matrices, computed for at most {LARGEST_CHAIN} contexts")
    if source.concentration < LEAST_CONCENTRATION:
        return Absent(f"rows of a concentration below {LEAST_CONCENTRATION} are beyond the range of float64")
    count = max(dirichlet_law.FEWEST, int(budget.tokens / (2 * contexts * max(1.0, contexts**2 / FREE_NUMBERS))))
    work = count * (3 * contexts**3 + DRAWN * contexts * source.vocabulary)
    effort.allow(f"the rates of {count} random matrices", work, budget, "lower tokens")
    chunk = max(1, LARGEST_NUMBERS // (4 * contexts**2))
    rng = np.random.default_rng(np.asarray(jax.random.key_data(keys.stream(budget.seed, "matrices"))))
    parts = []
    for done in range(0, count, chunk):
        effort.step("random matrices", done, count)
        parts.append(_sampled_rates(source, min(chunk, count - done), rng))
    rate_M1, plain_M1 = (np.concatenate(each)[:, None] for each in zip(*parts, strict=True))
    mean_1 = np.array([dirichlet_law.mean_entropy(source.dirichlet()).value])
    corrected_M1, slope_1 = dirichlet_law.corrected(rate_M1, plain_M1, mean_1)
    (rate,) = monte_carlo.means(corrected_M1, dirichlet_law.widened(conditional.all_of(source.vocabulary), slope_1))
    return bounded.within(rate, 0.0, float(np.log(source.vocabulary)))


def _sampled_rates(
    source: Fields, count: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Return, of random matrices, the entropy rate and the plain mean of the entropies of the rows."""
    symbols, contexts = source.vocabulary, source.vocabulary**source.order
    rows_MUV = rng.dirichlet(source.dirichlet(), size=(count, contexts))
    entropy_MU = simplex.entropy(rows_MUV)
    chain_MUU = np.zeros((count, contexts, contexts))
    target_UV = (np.arange(contexts)[:, None] * symbols + np.arange(symbols)) % contexts
    chain_MUU[:, np.arange(contexts)[:, None], target_UV] = np.maximum(rows_MUV, LEAST_CHANCE)
    return (_stationary(chain_MUU) * entropy_MU).sum(1), entropy_MU.mean(1)


def _stationary(chain_MUU: Float[np.ndarray, "M U U"]) -> Float[np.ndarray, "M U"]:
    """Return the stationary laws of chains by state reduction, which never subtracts; the chains are overwritten.

    Weights are kept within range by powers of two, which cost no bit.
    Source: Grassmann, Taksar and Heyman (1985), "Regenerative analysis and steady state distributions".
    """
    states = chain_MUU.shape[1]
    for last in range(states - 1, 0, -1):
        chain_MUU[:, :last, last] /= chain_MUU[:, last, :last].sum(1)[:, None]
        chain_MUU[:, :last, :last] += chain_MUU[:, :last, last, None] * chain_MUU[:, None, last, :last]
    weight_MU = np.ones(chain_MUU.shape[:2])
    for state in range(1, states):
        weight_MU[:, state] = (weight_MU[:, :state] * chain_MUU[:, :state, state]).sum(1)
        weight_MU = np.ldexp(weight_MU, -np.frexp(weight_MU.max(1, keepdims=True))[1])
    return np.asarray(weight_MU / weight_MU.sum(1, keepdims=True))
