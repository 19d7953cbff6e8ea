"""How often the statistics of noise keep their word: sizes, powers, coverages, one line per method and world.

Run: ``python benchmarks/calibrate_noise.py [simulations]``. A rate is the share of simulated worlds in which a test
rejected at 5 %, or an interval at 95 % held its truth; "width" is the median interval width, "off" the median error of
the value.
"""

import sys
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats

from testbed.stats.decay import decay_slope, variance_error
from testbed.stats.distance import distance, null_mean, null_quantile
from testbed.stats.estimate import Estimate
from testbed.stats.normality import anderson_darling, henze_zirkler, kurtosis, lilliefors, skewness
from testbed.stats.plateau import plateau
from testbed.stats.rate import distance_rate

LEVEL = 0.95
LENGTHS = 2.0 ** np.arange(4, 12)
Draw = Callable[[np.random.Generator], tuple[Estimate, float]]
Reject = Callable[[np.random.Generator], bool]

SHAPES = {
    "Gaussian": lambda rng, size: rng.standard_normal(size),
    "uniform": lambda rng, size: rng.uniform(-(3**0.5), 3**0.5, size),
    "Laplace": lambda rng, size: rng.laplace(size=size) / 2**0.5,
    "common t_9 scale": lambda rng, size: rng.standard_normal(size) / np.sqrt(rng.chisquare(9, (size[0], 1)) / 7),
    "common t_5 scale": lambda rng, size: rng.standard_normal(size) / np.sqrt(rng.chisquare(5, (size[0], 1)) / 3),
}

SAMPLES = {
    "Gaussian": lambda rng, n: rng.standard_normal(n),
    "rectified": lambda rng, n: np.maximum(rng.standard_normal(n), 0),
    "two points": lambda rng, n: rng.choice([-1.0, 1.0], size=n) + 0.3 * rng.standard_normal(n),
    "t_5": lambda rng, n: rng.standard_t(5, size=n),
    "Gamma(16)": lambda rng, n: rng.gamma(16, size=n),
}


def uncorrected(x_N: np.ndarray) -> float:
    """Return the p-value of the Kolmogorov–Smirnov test as if the fitted normal law had been given."""
    return float(stats.kstest((x_N - x_N.mean()) / x_N.std(ddof=1), "norm").pvalue)


def apart(x_GN: np.ndarray) -> np.ndarray:
    """Return all values, each group's less its mean and over its deviation."""
    return np.concatenate([(x_N - x_N.mean()) / x_N.std(ddof=1) for x_N in x_GN])


def rejections() -> Iterator[tuple[str, Reject]]:
    """Every test on Gaussian samples and on others."""
    tests = {test.__name__: test for test in (lilliefors, anderson_darling, skewness, kurtosis)}
    for world in ("Gaussian", "rectified", "two points", "t_5"):
        for count in (200, 1000, 4000) if world == "Gaussian" else (300,):
            for name, test in tests.items():
                yield (
                    f"{name}, {count} values, {world}",
                    lambda rng, t=test, w=world, n=count: t(SAMPLES[w](rng, n)).p_value < 0.05,
                )
            name = f"KS as if nothing were fitted, {count} values, {world}"
            yield name, lambda rng, w=world, n=count: uncorrected(SAMPLES[w](rng, n)) < 0.05
    for groups, count in ((4, 500), (16, 120), (60, 25)):
        for name, test in tests.items():
            yield (
                f"{name}, {groups} groups of {count} standardised apart, Gaussian",
                lambda rng, t=test, size=(groups, count): t(apart(rng.standard_normal(size))).p_value < 0.05,
            )
    for width in (1, 2, 5, 10):
        name = f"Henze–Zirkler, 400 vectors of {width}, Gaussian"
        yield name, lambda rng, m=width: henze_zirkler(rng.standard_normal((400, m))).p_value < 0.05
    for count in (20, 100, 1000, 10000):
        name = f"KS distance above its 95 % floor, {count} values"
        yield name, lambda rng, n=count: _distance("Gaussian", n, rng).value > null_quantile(0.95, n)


def _distance(world: str, count: int, rng: np.random.Generator) -> Estimate:
    return distance(SAMPLES[world](rng, count), level=LEVEL).estimate


def true_distance(world: str) -> float:
    """Return the distance of a law to the normal law of its mean and variance, on a fine grid."""
    if world == "rectified":
        return float(0.5 - stats.norm.cdf(-((np.pi - 1) ** -0.5)))  # the atom at zero, seen from above
    laws = {
        "Gaussian": (stats.norm.cdf, 0.0, 1.0),
        "two points": (lambda x: (stats.norm.cdf((x - 1) / 0.3) + stats.norm.cdf((x + 1) / 0.3)) / 2, 0.0, 1.09**0.5),
        "t_5": (stats.t(5).cdf, 0.0, (5 / 3) ** 0.5),
        "Gamma(16)": (stats.gamma(16).cdf, 16.0, 4.0),
    }
    law, mean, spread = laws[world]
    z = np.linspace(-10, 10, 400_001)
    return float(np.abs(law(mean + spread * z) - stats.norm.cdf(z)).max())


def noise(rng: np.random.Generator, shape: str, sequences: int, width: int, truth_N: np.ndarray) -> tuple:
    """Draw T with its error at every length: S vectors of variance T in all."""
    drawn = [variance_error(SHAPES[shape](rng, (sequences, width)) * np.sqrt(each / width)) for each in truth_N]
    t_N, error_N = np.array(drawn).T
    return LENGTHS, t_N, error_N, np.full(len(LENGTHS), sequences)


def slope(rng: np.random.Generator, shape: str, sequences: int, width: int, truth: float) -> tuple[Estimate, float]:
    """Draw the slope of T."""
    found = decay_slope(*noise(rng, shape, sequences, width, LENGTHS**truth), level=LEVEL)
    return found.slope, truth


def bend_found(rng: np.random.Generator, shape: str, sequences: int, limit: float) -> bool:
    """Draw the lack-of-fit test of a power law on a decay towards a limit."""
    return decay_slope(*noise(rng, shape, sequences, 4, limit + 1 / LENGTHS), level=LEVEL).lack_of_fit < 0.05


def limit(rng: np.random.Generator, world: tuple, part: str) -> tuple[Estimate, float]:
    """Draw the plateau or the exponent."""
    shape, sequences, low, high, exponent, span = world
    found = plateau(*noise(rng, shape, sequences, 4, low + high * LENGTHS**-exponent), exponents=span, level=LEVEL)
    return (found.limit, low) if part == "limit" else (found.exponent, exponent)


def rate(rng: np.random.Generator, count: int, constant: float, exponent: float) -> tuple[Estimate, float]:
    """Draw the rate of Gamma samples whose true distance is c·n^−r."""
    found = [
        distance(skewed(rng, count, constant * length**-exponent), level=LEVEL) for length in 4.0 ** np.arange(1, 6)
    ]
    return distance_rate(4.0 ** np.arange(1, 6), found, level=LEVEL).exponent, exponent


def skewed(rng: np.random.Generator, count: int, truth: float) -> np.ndarray:
    """Draw a Gamma sample whose distance to its normal law is ``truth``."""
    if truth == 0:
        return rng.standard_normal(count)
    return rng.gamma(shape_of(truth), size=count)


def shape_of(truth: float) -> float:
    """Return the shape of the Gamma law with a given distance."""
    return float(np.exp(np.interp(-np.log(truth), *_SHAPES)))


def _shapes() -> tuple[np.ndarray, np.ndarray]:
    """Distances of Gamma laws, as −log D and log shape."""
    z = np.linspace(-8, 8, 20_001)
    log_shape_N = np.linspace(np.log(0.3), np.log(1e6), 200)
    distance_N = [np.abs(stats.gamma.cdf(k + k**0.5 * z, k) - stats.norm.cdf(z)).max() for k in np.exp(log_shape_N)]
    return -np.log(distance_N), log_shape_N


_SHAPES = _shapes()


def intervals() -> Iterator[tuple[str, Draw]]:
    """Every interval on its worlds."""
    for world in SAMPLES:
        truth = true_distance(world)
        for count in (200, 4000):
            name = f"KS distance, {count} values, {world}"
            yield name, lambda rng, w=world, n=count, d=truth: (_distance(w, n, rng), d)
    for shape in SHAPES:
        for sequences, width, fall in ((100, 4, -1.0), (400, 1, -1.0), (400, 4, -0.5), (2000, 4, -1.0)):
            name = f"slope {fall:g}, {shape}, {sequences} sequences of {width}"
            yield name, lambda rng, a=(shape, sequences, width, fall): slope(rng, *a)
    for shape, sequences in (("Gaussian", 100), ("Gaussian", 400), ("uniform", 400), ("common t_9 scale", 400)):
        for low, high, exponent in ((0.0, 1.0, 1.0), (0.01, 1.0, 1.0), (0.05, 1.0, 0.5), (0.1, 0.0, 1.0)):
            for part, span in (("limit", (0.02, 5.0)), ("limit", (0.5, 5.0)), ("exponent", (0.02, 5.0))):
                name = f"{part}, {low:g} + {high:g}·n^−{exponent:g}, γ ≥ {span[0]:g}, {shape}, {sequences}"
                yield name, lambda rng, a=((shape, sequences, low, high, exponent, span), part): limit(rng, *a)
    for count in (1000, 4000, 16000):
        for constant, exponent in ((0.15, 0.5), (0.05, 0.5), (0.15, 0.25), (0.15, 1.0), (0.0, 0.5)):
            name = f"rate of {constant:g}·n^−{exponent:g}, {count} values"
            yield name, lambda rng, a=(count, constant, exponent): rate(rng, *a)


def tests() -> Iterator[tuple[str, Reject]]:
    """The lack-of-fit test of the slope where the law holds, and where it does not."""
    for shape in SHAPES:
        for end in (0.0, 0.003):
            name = f"lack of fit of {end:g} + 1/n, {shape}, 400 sequences"
            yield name, lambda rng, a=(shape, 400, end): bend_found(rng, *a)


def floors(simulations: int) -> None:
    """Print the mean distance of Gaussian samples beside the constant that stands for it."""
    print(f"{'floor of the KS distance':66}  stated   found  ± s.e.")
    for position, count in enumerate((20, 100, 1000, 10000)):
        rng = np.random.default_rng(position)
        drawn = np.array([_distance("Gaussian", count, rng).value for _ in range(simulations)])
        error = drawn.std() / np.sqrt(simulations)
        print(f"{f'{count} values':66} {null_mean(count):7.4f} {drawn.mean():7.4f}  {error:6.4f}", flush=True)


def main() -> None:
    """Print one line per case."""
    warnings.simplefilter("error")
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    floors(simulations)
    print(f"\n{'test':66} rejects  ± s.e.")
    for position, (name, reject) in enumerate([*rejections(), *tests()]):
        rng = np.random.default_rng(position)
        found = float(np.mean([reject(rng) for _ in range(simulations)]))
        print(f"{name:66} {found:7.3f}  {np.sqrt(found * (1 - found) / simulations):6.3f}", flush=True)
    print(f"\n{'interval':66}  covers  ± s.e.      width        off")
    for position, (name, draw) in enumerate(intervals()):
        rng = np.random.default_rng(position)
        drawn = [draw(rng) for _ in range(simulations)]
        covered = float(np.mean([found.low <= truth <= found.high for found, truth in drawn]))
        width = float(np.median([found.high - found.low for found, _ in drawn]))
        off = float(np.median([found.value - truth for found, truth in drawn]))
        error = np.sqrt(covered * (1 - covered) / simulations)
        print(f"{name:66} {covered:7.3f}  {error:6.3f} {width:10.4g} {off:+10.3g}", flush=True)


if __name__ == "__main__":
    main()
