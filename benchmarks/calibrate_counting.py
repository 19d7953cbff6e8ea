"""How often the instrument finds the exact bias and variance of learners that count, in planted worlds of all kinds.

Run: ``python benchmarks/calibrate_counting.py [worlds]``. Each world is drawn, a learner counts in it (R draws of the
data), and all are seen on the same windows, as trained networks are. A line for each quantity tells how often its 95 %
interval held the exact value, how often it lay wholly below or above, and the pooled ratio of found to exact; lines
marked "liar" are wrong on purpose and must leave 92-98 %. At the end the ridgeless learner, over many shapes.
"""

import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from testbed.measure import counting
from testbed.measure.contexts import Reference, reference
from testbed.measure.counting import Learner
from testbed.measure.limit import limit
from testbed.sources import Iid, Markov, Source
from testbed.stats.estimate import Estimate
from testbed.stats.jackknife import extrapolated
from testbed.stats.mean import mean
from testbed.stats.moments import Block, contrast, moments
from testbed.theory.counting import Training, bias, expected_log, parts
from testbed.theory.ridgeless import risk

LEVEL, DRAWS, FEW, WINDOWS, LENGTH = 0.95, 200, 12, 400, 16
"""Draws of the data, those of them whose mean is taken to endless replicates, shared windows and their tokens."""
WORLDS = 400


class Planted(NamedTuple):
    """A world, who learns it, and from how many windows of how many tokens."""

    world: Source
    learner: Learner
    trained: Training


class Found(NamedTuple):
    """What was found, and the exact value."""

    found: Estimate
    exact: float

    @property
    def side(self) -> int:
        """Return 0 if the interval holds the exact value, −1 if it lies below and 1 if it lies above."""
        return int(self.found.low > self.exact) - int(self.found.high < self.exact)


def planted(seed: int) -> Planted:
    """Draw a world of independent tokens or a chain of order 1 or 2, and a learner of any order up to one more."""
    rng = np.random.default_rng(seed)
    order = seed % 3
    symbols = int(rng.integers(2, 5 if order < 2 else 4))
    named = {"vocabulary": symbols, "seed": int(rng.integers(2**31)), "concentration": float(rng.uniform(1, 3))}
    world = Markov(order=order, smoothing=0.1, **named) if order else Iid(**named)
    learner = Learner(order=int(rng.integers(order + 2 if symbols < 4 else order + 1)), pseudo_count=_count(rng))
    return Planted(world, learner, Training(windows=int(rng.choice([4, 8, 16])), length=int(rng.choice([16, 32]))))


def _count(rng: np.random.Generator) -> float:
    return float(rng.choice([0.1, 0.5, 1.0]))


def seen(each: Planted, seed: int) -> tuple[Reference, list[np.ndarray]]:
    """Return the shared windows, and the log-rows that the draws of a learner gave."""
    tokens_RWL = counting.training(each.world, each.trained, draws=DRAWS, seed=seed)
    levels = counting.counted(tokens_RWL, each.learner.order, each.world.alphabet)
    return reference(each.world, sequences=WINDOWS, length=LENGTH, seed=seed), counting.rows(each.learner, levels)


def told(kl_RB: np.ndarray) -> Estimate:
    """Return the mean over draws and windows, both of which are sampled."""
    block = Block(kl_RB[..., None], (tuple(range(len(kl_RB))),))
    return contrast(moments([block]), np.ones(1), level=LEVEL)


def quantities(each: Planted, seed: int) -> Iterator[tuple[str, Found]]:
    """Yield what the instrument says of a planted world, and what three liars say."""
    shared, log_rows = seen(each, seed)
    order, world = each.learner.order, each.world
    exact = parts(world, order, each.learner.pseudo_count, each.trained, LENGTH)
    b, v = float(exact.bias_L.mean()), float(exact.variance_L.mean())
    kl_RB = counting.divergences(shared, log_rows)
    least_RB = counting.divergences(shared, counting.limiting(world, order))
    yield "K, against bias plus variance", Found(told(kl_RB), b + v)
    yield "V: K less the exact bias of each window", Found(told(kl_RB - least_RB), v)
    yield "B: K less the exact variance", Found(told(kl_RB - v), b)
    some = [each_RUV[:FEW] for each_RUV in log_rows]
    yield "center of endless replicates", Found(limit(counting.pairs(shared, some), level=LEVEL), center(each, shared))
    yield "CE less that of Bayes, against B + V", Found(told(surplus(shared, log_rows, 0.0)), b + v)
    yield "liar: V off by 1.1", Found(told(kl_RB - least_RB), 1.1 * v)
    deeper_RB = counting.divergences(shared, counting.limiting(world, order + 1))
    if float(bias(world, order + 1, LENGTH).mean()) < b - 1e-9:
        yield "liar: bias of order k + 1", Found(told(kl_RB - deeper_RB), v)
    yield "liar: a learner that sees the next token", Found(told(surplus(shared, log_rows, 0.1)), b + v)


def center(each: Planted, shared: Reference) -> float:
    """Return KL(p*‖p̄) on the shared windows, p̄ ∝ exp(E log q) from the exact laws of the counts."""
    levels = range(each.learner.order + 1)
    logs = [expected_log(each.world, level, each.learner.pseudo_count, each.trained)[None] for level in levels]
    return float(counting.divergences(shared, [each_RUV - _mass(each_RUV) for each_RUV in logs]).mean())


def _mass(log_RUV: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(log_RUV, axis=-1, keepdims=True)


def surplus(shared: Reference, log_rows: list[np.ndarray], known: float) -> np.ndarray:
    """Return the mean of log p* − log q at the tokens that came; the learner knows them in this share of cases."""
    length = shared.tokens_BL.shape[1]
    total_RB = np.zeros((len(log_rows[0]), len(shared.tokens_BL)))
    for place in range(length):
        came_B1 = shared.tokens_BL[:, place, None]
        log_q_RBV = counting.predicted_at(log_rows, shared.tokens_BL, place)
        q_RB = known + (1 - known) * np.exp(np.take_along_axis(log_q_RBV, came_B1[None], axis=-1)[..., 0])
        total_RB += np.take_along_axis(shared.logp_BLV[:, place], came_B1, axis=-1)[:, 0] - np.log(q_RB)
    return total_RB / length


def interpolating(seed: int) -> Iterator[tuple[str, Found]]:
    """Yield what is found of the ridgeless learner, of a shape on either side of interpolation."""
    rng = np.random.default_rng(seed)
    samples = int(rng.integers(8, 30))
    features = int(rng.choice([rng.integers(1, samples - 4), rng.integers(samples + 5, 4 * samples)]))
    beta_P = rng.standard_normal(features) / np.sqrt(features)
    noise, signal = float(rng.uniform(0.1, 2.0)), float(beta_P @ beta_P)
    off_RP = counting.ridgeless(samples, beta_P, noise=noise, draws=DRAWS, seed=seed) - beta_P
    exact = risk(samples, features, signal=signal, noise=noise)
    yield "ridgeless: risk", Found(mean(np.square(off_RP).sum(1), level=LEVEL), exact.total)
    yield "ridgeless: bias, of endless trainings", Found(square(off_RP), exact.bias)
    classic = noise * features / samples + signal * max(1 - samples / features, 0.0)
    yield "liar: risk of fixed inputs", Found(mean(np.square(off_RP).sum(1), level=LEVEL), classic)


def square(off_RP: np.ndarray) -> Estimate:
    """Return |mean of endless replicates|² from R of them."""
    total_P, count = off_RP.sum(0), len(off_RP)
    without_RP = (total_P - off_RP) / (count - 1)
    pair_RRP = (total_P - off_RP[:, None] - off_RP) / (count - 2)
    whole = float(np.square(total_P / count).sum())
    return extrapolated(whole, np.square(without_RP).sum(-1), np.square(pair_RRP).sum(-1), level=LEVEL)


def tally(draw: Callable[[int], Iterator[tuple[str, Found]]], worlds: int) -> dict[str, list[Found]]:
    """Return all that is found, by name of the quantity."""
    found: dict[str, list[Found]] = {}
    for seed in range(worlds):
        for name, each in draw(seed):
            found.setdefault(name, []).append(each)
    return found


def main() -> None:
    """Print a line for each quantity."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS
    print(f"{'quantity':44} {'worlds':>6} {'held':>7} {'below':>7} {'above':>7} {'found/exact':>12}")
    for draw in (lambda seed: quantities(planted(seed), seed), interpolating):
        for name, all_of in tally(draw, worlds).items():
            side = np.array([each.side for each in all_of])
            ratio = sum(each.found.value for each in all_of) / (sum(each.exact for each in all_of) or np.nan)
            shares = [float(np.mean(side == place)) for place in (0, -1, 1)]
            print(
                f"{name:44} {len(side):6} " + " ".join(f"{share:7.3f}" for share in shares) + f" {ratio:12.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
