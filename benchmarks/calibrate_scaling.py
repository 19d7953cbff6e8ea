"""How often intervals of fitted scaling laws cover: planted surfaces of known parameters, one line per method.

Run: ``python benchmarks/calibrate_scaling.py [simulations]``. Each surface is Chinchilla's, on 6 sizes by 6 numbers of
tokens with two seeds a cell unless the line says otherwise. The last lines count E alone, on surfaces with little or
nothing of A or of B. Columns are coverages at 95 %, the largest bias of a
parameter over the standard deviation of its estimates (A and B in logarithms), and the median width of the interval of
E (of A, where E is pinned); "fronti" is the exponent of the best P in C, "forec." the least loss at ten times the
largest compute.
"""

import itertools
import os
import sys
import warnings
from collections.abc import Callable
from multiprocessing import Pool
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two processes share two cores

import numpy as np

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.law import scaling_law
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.optimal import best, frontier
from testbed.stats.scaling.table import Losses, losses

LEVEL, RESAMPLES, FORM = 0.95, 400, FORMS["chinchilla"]
PLANTED = np.array([1.69, np.log(406.4), np.log(410.7), 0.34, 0.28])
"""Coordinates: E, log A, log B, alpha, beta, as Hoffmann et al. (2022) report them."""

METHODS = (
    ("log-squares", "profile"),
    ("log-squares", "cells"),
    ("log-squares", "seeds"),
    ("huber", "cells"),
    ("huber", "seeds"),
)
Noise = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]


class Case(NamedTuple):
    """A design and a law of noise, in units of its standard deviation, and what is pinned or grouped."""

    name: str
    noise: float
    law: str = "independent"
    sizes: int = 6
    seeds: int = 2
    pinned: bool = False
    groups: bool = False
    methods: tuple[tuple[str, str], ...] = METHODS


def drawn(case: Case, rng: np.random.Generator, planted_Q: np.ndarray = PLANTED) -> Losses:
    """Draw the losses of a case."""
    count = case.sizes * case.seeds
    size_N, cell_N = np.repeat(np.arange(case.sizes), count), np.repeat(np.arange(case.sizes**2), case.seeds)
    params_N = np.geomspace(4e7, 1e10, case.sizes)[size_N]
    tokens_N = np.geomspace(1e9, 1e12, case.sizes)[cell_N % case.sizes]
    own_N = rng.standard_normal(len(cell_N))
    if case.law == "heavy tails":
        own_N = rng.standard_t(3, len(cell_N)) / np.sqrt(3)
    shared = {"cells": rng.standard_normal(case.sizes**2)[cell_N], "sizes": rng.standard_normal(case.sizes)[size_N]}
    if case.law in shared:
        own_N = (own_N + shared[case.law]) / np.sqrt(2)
    loss_N = FORM.loss(planted_Q, params_N, tokens_N) * np.exp(case.noise * own_N)
    return losses(params_N, tokens_N, loss_N, groups=size_N if case.groups else None)


def simulated(asked: tuple[Case, str, str, int]) -> tuple[np.ndarray, list[bool], float]:
    """Return the coordinates fitted to one drawn table, which truths are covered, and the width of E's interval."""
    case, objective, interval, seed = asked
    warnings.simplefilter("error")
    table = drawn(case, np.random.default_rng([seed, 7]))
    within = {"E": (float(PLANTED[0]),) * 2} if case.pinned else {}
    law = scaling_law(
        table,
        FORM,
        OBJECTIVES[objective],
        interval=interval,
        level=LEVEL,
        within=within,
        seed=seed,
        resamples=RESAMPLES,
    )
    truth = dict(zip(FORM.names, FORM.values(PLANTED).tolist(), strict=True))
    inside = [holds(law.parameters.get(name), truth[name]) for name in FORM.names]
    if law.resampled is not None:
        flops_K = np.array([table.flops_N.max(), 10 * table.flops_N.max()])
        found = frontier(FORM, law.fitted.coordinate_Q, law.resampled, table, flops_K, level=LEVEL)
        sizes = float(table.params_N.min()), float(table.params_N.max())
        log_loss = float(best(FORM, PLANTED[None], flops_K, 6.0, sizes)[1][0, 1])
        alpha, beta = PLANTED[3:].tolist()
        inside += [holds(found.params_exponent, beta / (alpha + beta)), holds(found.loss[1], float(np.exp(log_loss)))]
    wide = law.parameters[FORM.names[1 if case.pinned else 0]]
    return law.fitted.coordinate_Q, inside, wide.high - wide.low


def holds(found: Estimate | None, truth: float) -> bool:
    return found is None or found.low <= truth <= found.high


def cases() -> list[Case]:
    """Four levels of noise; then noise of other laws, other designs, and E pinned to the truth."""
    some = (("log-squares", "profile"), ("huber", "cells"))
    found = [Case("independent", noise) for noise in (0.001, 0.003, 0.01, 0.03)]
    found += [Case("independent, E pinned", noise, pinned=True, methods=some) for noise in (0.003, 0.03)]
    found += [Case("heavy tails (t of 3)", noise, law="heavy tails", methods=some) for noise in (0.003, 0.03)]
    found += [Case("half shared by seeds", noise, law="cells") for noise in (0.003, 0.03)]
    found += [Case("half shared by sizes", 0.003, law="sizes", methods=some)]
    cells = (("log-squares", "cells"), ("huber", "cells"))
    found += [Case("same, sizes resampled", 0.003, law="sizes", groups=True, methods=cells)]
    found += [Case("4 by 4 cells", 0.003, sizes=4), Case("one seed", 0.003, seeds=1, methods=some)]
    return found


SHARES, WEAK_NOISES = (0.0, 0.01, 0.03, 0.1), (0.003, 0.01, 0.03)
"""Of A or of B, and the standard deviations of noise in log loss, of surfaces with one weak term."""


def weak(asked: tuple[str, str, int]) -> list[bool | None]:
    """Return whether the interval of E holds it on one surface of each kind; None where the fit is refused."""
    objective, interval, seed = asked
    held: list[bool | None] = []
    for place, share, noise in itertools.product((1, 2), SHARES, WEAK_NOISES):
        planted_Q = PLANTED.copy()
        planted_Q[place] += np.log(share) if share else -300.0
        rng = np.random.default_rng([seed, place, int(1000 * share), int(1000 * noise)])
        table = drawn(Case("weak", noise), rng, planted_Q)
        try:
            law = scaling_law(
                table, FORM, OBJECTIVES[objective], interval=interval, level=LEVEL, seed=seed, resamples=RESAMPLES
            )
        except NoInformation:
            held.append(None)
        else:
            held.append(holds(law.parameters["E"], float(PLANTED[0])))
    return held


def main() -> None:
    """Print one line per case and method."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    heads = " ".join(f"{name:>6}" for name in (*FORM.names, "frontier"[:6], "forec."))
    print(f"{simulations} simulations, ± {100 * np.sqrt(0.05 * 0.95 / simulations):.1f} points at 95 %\n")
    print(f"{'noise':24} {'sd':>5} {'objective':11} {'interval':8} {heads} bias/sd   width")
    with Pool(2) as pool:
        for case in cases():
            for objective, interval in case.methods:
                asked = [(case, objective, interval, seed) for seed in range(simulations)]
                coordinates, inside, widths = zip(*pool.map(simulated, asked, chunksize=5), strict=True)
                off_SQ = np.array(coordinates) - PLANTED
                spread_Q = off_SQ.std(0)
                bias = float(np.max(np.abs(off_SQ.mean(0)) / np.where(spread_Q > 0, spread_Q, np.inf)))
                rates = [f"{100 * rate:6.1f}" for rate in np.mean(inside, axis=0)]
                if case.pinned:
                    rates[0] = f"{'–':>6}"
                rates += [f"{'':6}"] * (len(FORM.names) + 2 - len(rates))
                head = f"{case.name:24} {case.noise:5.3f} {objective:11} {interval:8}"
                print(f"{head} {' '.join(rates)} {bias:7.2f} {np.median(widths):7.3g}", flush=True)
        for objective, interval in METHODS[:4]:
            found = pool.map(weak, [(objective, interval, seed) for seed in range(max(1, simulations // 40))])
            held = [each for row in found for each in row]
            told = [each for each in held if each is not None]
            counts = f"{len(held)} surfaces, {len(held) - len(told)} refused, E covered {100 * np.mean(told):.1f}"
            print(f"one weak term  {objective:11} {interval:8} {counts}", flush=True)


if __name__ == "__main__":
    main()
