"""Coverage and wrong verdicts of what the claims of ``experiments/bias_variance.py`` rest on, on planted surfaces.

Run: ``python -m benchmarks.calibrate_grid [--surfaces 100] [--seed 0]``; a table in Markdown for each estimate. "held"
is the share of 95 % intervals that held the truth; "too low" and "too high" those that lay on one side of it, which is
how often a region that just leaves it out is supported, or one that just takes it in refuted. Then come the verdicts
of the claim as it was declared. A line ends in FAULT where a one-sided share, or that of wrong verdicts, is more than
three standard errors above 5 %, or held is below 92 % by as much.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.planted_grid import NOISES, Noise, analysis
from benchmarks.planted_surface import TOKENS, Surface, surface, truths
from experiments.bias_variance import CLAIMS
from testbed.stats.estimate import Estimate
from testbed.studies.grid import GridStudy
from testbed.studies.grid.estimates import variance
from testbed.verdict import Claim, judge

WRONG, HELD, ROUNDING, SURFACES = 0.05, 0.92, 1e-9, 100
FLAT, ONCE = (0.3, 0.09, 0.09, 0.005), (0.3, 0.09, 0.0927, 0.005)
Make = Callable[[], Surface]
KINDS: dict[str, Make] = {
    "1/D, fresh data too": surface,
    "B falls by 3 % once, γ = 0.5": lambda: surface(bias=(0.3, 0.09, 0.0873, 0.005), gamma=0.5, share=0.05),
    "B stands still once, γ = 0.5": lambda: surface(bias=FLAT, gamma=0.5, share=0.05),
    "B rises by 3 % once": lambda: surface(bias=ONCE),
    "B rises by half once": lambda: surface(bias=(0.3, 0.09, 0.135, 0.005)),
    "β = 0.5": lambda: surface(slopes=(0.5, 0.5)),
    "β = 0.89": lambda: surface(slopes=(0.89, 0.89), share=0.02),
    "β = 0.91": lambda: surface(slopes=(0.91, 0.91), share=0.02),
    "β = 1.09": lambda: surface(slopes=(1.09, 1.09), share=0.02),
    "β = 1.11": lambda: surface(slopes=(1.11, 1.11), share=0.02),
    "β = 1.6": lambda: surface(slopes=(1.6, 1.6)),
    "V bends, β = 0.5 then 1.5": lambda: surface(slopes=(0.5, 1.5)),
    "V bends, β = 0.85 then 1.15": lambda: surface(slopes=(0.85, 1.15), share=1e-3),
    "β = 0.8, 0.95, 1.05, 1.2 by size": lambda: surface(slopes=((0.8, 0.8), (0.95, 0.95), (1.05, 1.05), (1.2, 1.2))),
    "V falls by 2 %": lambda: surface(slopes=(1.0, 0.015)),
    "V stands still": lambda: surface(slopes=(1.0, 0.0)),
    "V rises by 6 %": lambda: surface(slopes=(1.0, -0.04)),
    "V ends": lambda: surface(slopes=(1.0, np.inf)),
    "V falls with P": lambda: surface(rises=-0.5),
    "γ = 0.25, Ω 11 %": lambda: surface(gamma=0.25, share=0.11),
    "γ = 0.25, Ω 40 %": lambda: surface(gamma=0.25, share=0.4),
    "γ = 1, Ω 11 %": lambda: surface(gamma=1.0, share=0.11),
    "γ = 2, Ω 9 %": lambda: surface(gamma=2.0, share=0.09),
    "Ω all of K at last": lambda: surface(bias=(0.3, 0.09, 0.005, 1e-5), gamma=0.5, share=(0.05, 0.05, 0.5, 0.998)),
    "flat ladder": lambda: surface(gamma=1.0, share=1e-4),
    "flat ladder, B = 0 at last": lambda: surface(bias=(0.3, 0.09, 0.005, 1e-5), share=1e-3),
}
DRIFTS = (0.0, 0.045, -0.045, 0.055, -0.055, 0.3)
PARTS = ((0.0, None), (0.045, None), (0.055, None), (0.2, None), (0.0, -0.009), (0.0, -0.011), (0.0, -0.1))
"""What is missing in an ensemble, and the excess of a run that peeks, whose ensemble then adds up to nothing."""
OWN = {"bias_on_tokens": "drift", "parts_add_up": "missing", "lowest_excess": "lowest"}
"""Estimates that rest on neither B nor V, tabled by what was planted for them, whatever the rest of the surface."""


class Seen(NamedTuple):
    """What was found of one quantity of one surface, and the truth."""

    claim: Claim
    kind: str
    noise: str
    found: Estimate | str
    truth: float

    @property
    def side(self) -> int:
        """Return −1 if the interval lies wholly below the truth, 1 if above, 0 if it holds it."""
        assert isinstance(self.found, Estimate)
        allowed = ROUNDING * (1 + abs(self.truth)) if np.isfinite(self.truth) else 0.0
        return int(self.found.low > self.truth + allowed) - int(self.found.high < self.truth - allowed)

    @property
    def verdict(self) -> str:
        """Return the verdict on the claim as it was declared."""
        return judge(self.claim, self.found, ()).verdict

    @property
    def true(self) -> bool:
        """Return whether the claim is true; a quantity that does not exist is in no region."""
        low, high = self.claim.region
        return bool(low - ROUNDING <= self.truth <= high + ROUNDING)

    @property
    def wrong(self) -> bool:
        """Return whether the verdict is decided and wrong."""
        return self.verdict == ("refuted" if self.true else "supported")


def once(kept: Callable[..., object]) -> Callable[..., object]:
    """Return a function that remembers what it said of the last run, as several claims ask for the same."""
    last: dict[tuple[object, ...], object] = {}
    owner: list[object] = []

    def remembering(run: object, sizes: Sequence[int], *, level: float) -> object:
        if not owner or owner[0] is not run:
            owner[:] = [run]
            last.clear()
        key = (tuple(sizes), level)
        if key not in last:
            last[key] = kept(run, sizes, level=level)
        return last[key]

    return remembering


def seen(kind: str, planted: Surface, noise: Noise, seed: int, *, own: bool) -> Iterable[Seen]:
    """Yield what every claim's estimate tells of one run."""
    made, estimates = analysis(planted, noise, seed), GridStudy.estimates()
    true = truths(planted, made.lowest)
    drift = float(np.log(planted.center_PE[0, 0] / planted.center_PE[0, 1]) / np.log(TOKENS[1] / TOKENS[0]))
    told = {"drift": f"exponent {drift:.2g}", "missing": f"{planted.missing:g} missing"}
    told["lowest"] = "all above ε" if planted.shift is None else f"one run at {planted.shift:g}"
    for claim in CLAIMS:
        if claim.quantity not in OWN or (own and not np.isnan(true[claim.quantity])):
            named = told[OWN[claim.quantity]] if claim.quantity in OWN else kind
            found = estimates[claim.quantity](made.analysis, claim.level)
            yield Seen(claim, named, noise.name, found, true[claim.quantity])


def run(surfaces: int, seed: int, kinds: Iterable[str]) -> list[Seen]:
    """Plant so many surfaces of each kind, and return all that is found."""
    every: list[Seen] = []
    for number, kind in enumerate(KINDS):
        for index in range(surfaces if kind in kinds else 0):
            missing, shift = PARTS[index % len(PARTS)]
            center_PE = surface(drift=DRIFTS[index % len(DRIFTS)]).center_PE
            planted = KINDS[kind]()._replace(center_PE=center_PE, shift=shift, missing=missing)
            noise, here = NOISES[index // 3 % len(NOISES)], seed + 1_000_003 * number + index
            every += seen(kind, planted, noise, here, own=number % 4 == 0)
    return every


def share(flags: Iterable[bool]) -> float:
    """Return the share that is true; NaN of none."""
    flags = list(flags)
    return float(np.mean(flags)) if flags else float("nan")


def faulty(own: list[Seen]) -> bool:
    """Return whether what was found is beyond what chance leaves at the declared level."""
    if share(each.wrong for each in own) > WRONG + chance(WRONG, len(own)):
        return True
    told = [each for each in own if isinstance(each.found, Estimate) and not np.isnan(each.truth)]
    if not told:
        return False
    sides = [share(each.side == side for each in told) for side in (-1, 1)]
    return max(sides) > WRONG + chance(WRONG, len(told)) or 1 - sum(sides) < HELD - chance(HELD, len(told))


def chance(rate: float, count: int) -> float:
    """Return three standard errors of a share."""
    return float(3 * np.sqrt(rate * (1 - rate) / count))


def row(name: str, own: list[Seen], *, alike: bool) -> str:
    """Return a line of a table; surfaces that are alike have one truth."""
    told = [each for each in own if isinstance(each.found, Estimate) and not np.isnan(each.truth)]
    none = sum(isinstance(each.found, str) for each in own)
    parts = [share(each.side == side for each in told) for side in (0, -1, 1)]
    words = [share(each.verdict == word for each in own) for word in ("supported", "refuted", "undecided")]
    truth, is_true = f"{own[0].truth:.4g}".replace("nan", "none"), "true" if own[0].true else "false"
    cells = [name, *((truth, is_true) if alike else ("all", "")), len(own), none, *(f"{part:.3f}" for part in parts)]
    cells += [*(f"{word:.3f}" for word in words), f"{share(each.wrong for each in own):.3f}"]
    return f"| {' | '.join(map(str, cells))} |{' FAULT' if faulty(own) else ''}"


HEAD = (
    "| planted | truth | claim | surfaces | no estimate | held | too low | too high | supported | refuted | undecided "
    "| wrong |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def table(every: list[Seen], quantity: str) -> str:
    """Return the table of one estimate, by what was planted and then by noise."""
    own = [each for each in every if each.claim.quantity == quantity]
    low, high = own[0].claim.region
    lines = [f"\n### {quantity}, true in [{low:g}, {high:g}]\n", HEAD]
    for label in ("kind", "noise"):
        for name in dict.fromkeys(getattr(each, label) for each in own):
            some = [each for each in own if getattr(each, label) == name]
            lines.append(row(name, some, alike=label == "kind"))
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--surfaces", type=int, default=SURFACES, help=f"surfaces of each kind (default {SURFACES})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS), help="some of the kinds")
    asked = parser.parse_args()
    began = time.process_time()
    variance.variances = once(variance.variances)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        every = run(asked.surfaces, asked.seed, asked.kinds)
    for claim in CLAIMS:
        print(table(every, claim.quantity), flush=True)
    print(
        f"\n{asked.surfaces} surfaces of each kind from seed {asked.seed}; {time.process_time() - began:.0f} s of CPU."
    )


if __name__ == "__main__":
    main()
