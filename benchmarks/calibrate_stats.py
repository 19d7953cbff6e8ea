"""How often the intervals cover and the tests reject: simulated worlds of known truth, one line per method.

Run: ``python benchmarks/calibrate_stats.py [simulations]``. Each line names its nominal rate and the rate that was
found, with the standard error of the simulation; "width" is the median interval width, infinite where most intervals
are endless.
"""

import sys
import warnings
from collections.abc import Callable, Iterator

import numpy as np

from testbed.measure.geometric import decompose
from testbed.stats.combine import each_level, largest, slope_weights
from testbed.stats.estimate import Estimate
from testbed.stats.ladder import ladder
from testbed.stats.mean import difference, mean
from testbed.stats.moments import Block, contrast, known, moments, smoothed
from testbed.stats.power_law import PowerLaw, power_law

LEVEL = 0.95
RATIO = 4.0
Draw = Callable[[np.random.Generator], tuple[Estimate, float]]


def student(rng: np.random.Generator, count: int) -> tuple[Estimate, float]:
    """Draw a mean of few Gaussian replicates."""
    return mean(rng.standard_normal(count), level=LEVEL), 0.0


def welch(rng: np.random.Generator, count: int) -> tuple[Estimate, float]:
    """Draw a difference of means, one sample three times as noisy."""
    return difference(3 * rng.standard_normal(count), rng.standard_normal(count), level=LEVEL), 0.0


def crossed(rng: np.random.Generator, count: int, sequence_noise: float) -> tuple[Estimate, float]:
    """Draw a mean over replicates and shared sequences, with interaction."""
    values_RB = rng.standard_normal((count, 1)) + sequence_noise * rng.standard_normal((1, 64))
    values_RB = values_RB + 0.5 * rng.standard_normal((count, 64))
    return contrast(moments([Block(values_RB[..., None], (tuple(range(count)),))]), np.ones(1), level=LEVEL), 0.0


def rungs(rng: np.random.Generator, count: int, noise: float, gamma: float, bias: float) -> Block:
    """Draw K at three horizons, limit ``bias`` and last gap 0.3 · bias, with half the noise common to all rungs."""
    truth_Q = bias * (1 + 0.3 * RATIO ** (gamma * np.array([2.0, 1.0, 0.0])))
    jitter_RQ = (rng.standard_normal((count, 1)) + rng.standard_normal((count, 3))) / np.sqrt(2)
    sequences_B = 1 + 0.2 * rng.standard_normal(128)
    values_RBQ = (truth_Q * (1 + noise * jitter_RQ))[:, None, :] * sequences_B[None, :, None]
    return Block(values_RBQ, (tuple(range(count)),))


def gap(rng: np.random.Generator, count: int, noise: float, gamma: float) -> tuple[Estimate, float]:
    """Draw the optimisation gap from the ladder of horizons."""
    found = moments([rungs(rng, count, noise, gamma, 0.1)])
    return ladder(found, ratio=RATIO, exponents=(0.25, 2.0), level=LEVEL).gap, 0.03


def law(rng: np.random.Generator, count: int, sizes: int, style: str, bend: float = 0.0) -> PowerLaw:
    """Draw V = C·D^−1 over five D, from K with noise of K's ("all") or of V's own size ("own")."""
    tokens = 4.0 ** np.arange(5)
    blocks, curves = [], []
    for size in range(sizes):
        online = 0.05
        blocks.append(
            Block(
                online * (1 + 0.02 * rng.standard_normal((count, 1, 1))) * np.ones((1, 64, 1)), (tuple(range(count)),)
            )
        )
        for d in tokens:
            v = 0.2 * d**-1.0 * np.exp(bend * np.log(d / 16) ** 2)
            scale = 0.05 * (online + v) if style == "all" else 0.1 * v + 0.01 * online
            values_R = online + v + scale * rng.standard_normal(count)
            values_RBQ = values_R[:, None, None] * np.ones((1, 64, 1))
            blocks.append(Block(values_RBQ, (tuple(range(count)),)))
            curves.append(size)
    map_NQ = np.zeros((len(curves), len(blocks)))
    for index, size in enumerate(curves):
        map_NQ[index, [size * 6, size * 6 + 1 + index % 5]] = -1.0, 1.0
    found = moments(blocks)
    working = smoothed(found).transform(map_NQ)
    return power_law(np.tile(tokens, sizes), found.transform(map_NQ), curves, working=working, level=LEVEL)


def exponent(rng: np.random.Generator, count: int, sizes: int, style: str) -> tuple[Estimate, float]:
    """Draw the exponent of V."""
    return law(rng, count, sizes, style).exponent, 1.0


def fit_test(rng: np.random.Generator, count: int, style: str, bend: float) -> tuple[Estimate, float]:
    """Draw the lack-of-fit test, told as an estimate that covers zero unless it rejects at 5 %."""
    rejected = law(rng, count, 2, style, bend).lack_of_fit < 1 - LEVEL
    low = 1.0 if rejected else -1.0
    return Estimate(value=1.0, low=low, high=1.0, level=LEVEL, n=count, method="F"), 0.0


def worst(rng: np.random.Generator, count: int, groups: int) -> tuple[Estimate, float]:
    """Draw the largest of several equal means: the hardest case for a simultaneous interval."""
    parts = [mean(rng.standard_normal(count), level=each_level(LEVEL, groups)) for _ in range(groups)]
    return largest(parts, level=LEVEL), 0.0


def ensemble(rng: np.random.Generator, count: int) -> tuple[Estimate, float]:
    """Draw the jackknifed center KL(p*‖p̄) of Gaussian logits, whose limit of endless replicates is exact."""
    logits_LV = np.array([[0.5, 0.0, -0.5, 0.2]] * 8)
    star_LV = np.log(np.full((8, 4), 0.25))
    replicas_RLV = logits_LV + 0.4 * rng.standard_normal((count, 8, 4))
    log_p_RLV = replicas_RLV - np.log(np.exp(replicas_RLV).sum(-1, keepdims=True))
    found = decompose([(star_LV, log_p_RLV)])
    truth = float(-np.log(4) - (logits_LV[0] - np.log(np.exp(logits_LV[0]).sum())).mean())
    seen = known(np.array([found.center_jackknife]), np.array([found.center_se]), np.array([count - 1.0]))
    return contrast(seen, np.ones(1), level=LEVEL), truth


def token_slope(rng: np.random.Generator, count: int) -> tuple[Estimate, float]:
    """Draw the slope of log center against log D, over three sizes and five D, from jackknife errors."""
    groups = [size for size in range(3) for _ in range(5)]
    replicates_NR = 0.05 * (1 + 0.1 * rng.standard_normal((15, count)))
    center_N = replicates_NR.mean(1)
    relative_N = replicates_NR.std(1, ddof=1) / np.sqrt(count) / center_N
    weights_N = slope_weights(np.tile(np.log(4.0 ** np.arange(5)), 3), groups)
    return contrast(known(np.log(center_N), relative_N, np.full(15, count - 1.0)), weights_N, level=LEVEL), 0.0


def cases() -> Iterator[tuple[str, Draw]]:
    """Every method at the sample sizes of the grids, with its name."""
    for count in (3, 4, 8):
        yield f"Student mean, {count} replicates", lambda rng, n=count: student(rng, n)
        yield f"Welch difference, {count} each", lambda rng, n=count: welch(rng, n)
    for noise in (0.0, 2.0, 8.0):
        yield f"crossed mean, 4 replicates, sequence noise {noise:g}", lambda rng, s=noise: crossed(rng, 4, s)
    for count, noise, gamma in ((3, 0.005, 0.5), (4, 0.02, 0.25), (8, 0.02, 0.5), (4, 0.1, 1.0), (4, 0.02, 2.0)):
        name = f"ladder gap, {count} replicates, noise {noise:g}, exponent {gamma:g}"
        yield name, lambda rng, a=(count, noise, gamma): gap(rng, *a)
    for count in (3, 4, 8):
        for sizes in (1, 3):
            for style in ("all", "own"):
                name = f"exponent of V, {count} replicates, {sizes} sizes, noise of {style}"
                yield name, lambda rng, a=(count, sizes, style): exponent(rng, *a)
    for count, style, bend in ((3, "all", 0.0), (4, "all", 0.0), (4, "own", 0.0), (4, "all", 0.1)):
        name = f"lack of fit not rejected, {count} replicates, noise of {style}, bend {bend:g}"
        yield name, lambda rng, a=(count, style, bend): fit_test(rng, *a)
    for groups in (3, 12):
        yield f"largest of {groups} equal means", lambda rng, g=groups: worst(rng, 4, g)
    for count in (3, 4, 8):
        yield f"jackknifed center, {count} replicates", lambda rng, n=count: ensemble(rng, n)
        yield f"slope of center in D, {count} replicates", lambda rng, n=count: token_slope(rng, n)


def main() -> None:
    """Print one line per case."""
    warnings.simplefilter("error")
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print(f"{'method':66} nominal   found  ± s.e.      width   bias/width")
    for position, (name, draw) in enumerate(cases()):
        rng = np.random.default_rng(position)
        drawn = [draw(rng) for _ in range(simulations)]
        covered = float(np.mean([found.low <= truth <= found.high for found, truth in drawn]))
        width = float(np.median([found.high - found.low for found, _ in drawn]))
        off = float(np.median([found.value - truth for found, truth in drawn]))
        error = np.sqrt(covered * (1 - covered) / simulations)
        print(
            f"{name:66} {LEVEL:7.3f} {covered:7.3f}  {error:6.3f} {width:10.4g} {off / width if width else 0:+12.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
