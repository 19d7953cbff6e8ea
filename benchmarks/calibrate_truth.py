"""How often sampled entropies lie in their intervals, for every family that samples, at few and at more windows.

Run: ``python benchmarks/calibrate_truth.py [seeds]``. "found" is the share of seeds whose interval of ε held the exact
one, "normal" that of the normal interval from the first two windows, "width" the mean width against that of Student's
interval. Windows have 5 tokens, and every context that the exact ε needs is visited.
"""

import sys

import numpy as np
from scipy.stats import t as student

from testbed.ground import catalog
from testbed.laws.entropies import conditional, monte_carlo
from testbed.sources import Budget, Quantity, Source

LENGTH, ROWS = 5, (30, 120)


def exhibits() -> list[Source]:
    """Return the worlds of the gallery whose ε is sampled where contexts are not visited."""
    worlds = (kind.exhibit() for kind in catalog.shelf("testbed.sources").values())
    return [each for each in worlds if _epsilon(each, 1).method == "Monte Carlo"]


def _epsilon(world: Source, contexts: int) -> Quantity:
    return world.truth(LENGTH, budget=Budget(contexts=contexts, tokens=1)).epsilon


def line(world: Source, rows: int, seeds: int) -> str:
    """Return what is found for a world: independent windows are drawn once and dealt out to the seeds."""
    exact, tables = world.truth(LENGTH, budget=Budget(contexts=2**20)).epsilon, world.tables(np.float64)
    if exact.method == "Monte Carlo":
        return f"{type(world).__name__:18} {rows:7} windows: not known exactly"
    shape = (rows * seeds, LENGTH, world.alphabet)
    mean_B = conditional.sampled(conditional._entropies, type(world), tables, shape, Budget()).mean(1)[: rows * seeds]
    columns_BS = mean_B.reshape(rows, seeds)
    found = monte_carlo.means(columns_BS, conditional.all_of(world.alphabet))
    held = np.mean([each.low <= exact.high and exact.low <= each.high for each in found])
    two_BS = columns_BS[:2]
    margin_S = 1.96 * two_BS.std(0, ddof=1) / 2**0.5
    normal = np.mean(np.abs(two_BS.mean(0) - exact.value) <= margin_S + exact.error)
    plain = 2 * student.ppf(0.975, rows - 1) * np.mean([each.error for each in found])
    wider = np.mean([each.width for each in found]) / plain if plain > 1e-12 else np.inf
    return f"{type(world).__name__:18} {rows:7} {held:10.4f} {normal:8.4f} {wider:8.2f}"


def main() -> None:
    """Print a line for each world and number of windows."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"{'world':18} {'windows':>7} {'found':>10} {'normal':>8} {'width':>8}")
    for world in exhibits():
        for rows in ROWS:
            print(line(world, rows, seeds), flush=True)


if __name__ == "__main__":
    main()
