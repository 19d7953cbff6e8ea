"""Whether a ladder of horizons foretells longer training: K after 8 times the steps beside what was predicted.

Run: ``python -m benchmarks.longer [--steps 256] [--out FOLDER]``. In worlds of several kinds, three sizes of models are
trained on fresh data as a grid trains them, rates chosen by pilots for each horizon: a ladder of steps/16, steps/4 and
steps, and a run of 8 times the steps with draws of its own. From the ladder alone follow an interval for K at the end
of the long run, and the lower end of B. Per 95 % interval at least nine in ten must hold, and no K may lie below B.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.measured import measured
from testbed.cell import Evaluation, Optimiser
from testbed.ground.options import Options
from testbed.model.transformer import Transformer
from testbed.pipeline import run
from testbed.sources import BlockStationary, Facts, HiddenMarkov, InContextMarkov, Markov, Source
from testbed.stats.combine import each_level, jointly
from testbed.stats.estimate import Estimate
from testbed.stats.moments import contrast, moments
from testbed.store import Store
from testbed.studies.grid import GridStudy
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grid.bounds import bounds, rungs
from testbed.studies.grid.layout import Grid, Training
from testbed.terminal.console import Console

LEVEL, LONGER, STEPS = 0.95, 8, 256
RATES = (0.005, 0.01, 0.02, 0.04, 0.08)
WORLDS: dict[str, Source] = {
    "block_stationary, announced": BlockStationary(
        vocabulary=8, regimes=8, block_length=16, boundaries="announced", order=0, concentration=0.3
    ),
    "markov, order 1": Markov(vocabulary=8, order=1, concentration=0.3, seed=1),
    "hidden_markov, mess3": HiddenMarkov(process="mess3", parameters=(0.15, 0.6)),
    "in_context_markov": InContextMarkov(vocabulary=2, order=1),
    "facts": Facts(facts=32, answers=8, zipf=1.5),
}


class Pair(NamedTuple):
    """A world and a size: K that was predicted and K that came, the gains, and B from below."""

    world: str
    parameters: int
    last: Estimate
    predicted: Estimate
    later: Estimate
    gain: Estimate
    gained: Estimate
    bias: Estimate

    @property
    def held(self) -> bool:
        """Return whether the later K lies in the predicted interval."""
        return self.predicted.low <= self.later.value <= self.predicted.high

    @property
    def foretold(self) -> bool:
        """Return whether the trained gain lies in the predicted one, which lacks the noise of K itself."""
        return self.gain.low <= self.gained.value <= self.gain.high

    @property
    def below(self) -> bool:
        """Return whether the later K lies below the lower end of B."""
        return self.later.value < self.bias.low


def study(name: str, world: Source, steps: int, replicates: int) -> GridStudy:
    """Return a grid of fresh data; the stored tokens that every grid has are eight steps, seen once."""
    context, batch = 32, 8
    return GridStudy(
        name=name,
        question="Does a ladder of horizons foretell longer training?",
        world=world,
        model=Transformer(vocabulary=world.alphabet, context=context, width=4, heads=1),
        grid=Grid(multiples=(1, 2, 4), tokens=(8 * batch * context,), replicates=replicates),
        training=Training(steps=steps, ratio=4, learning_rates=RATES, stopping="one pass"),
        optimiser=Optimiser(batch=batch),
        evaluation=Evaluation(sequences=512, checkpoints=2),
    )


def trained(asked: GridStudy, folder: Path) -> Analysis:
    """Train a grid and return its tables."""
    run(asked, folder, Options(), Console(quiet=True))
    return asked.analysis(Store.existing(folder))


def pairs(name: str, world: Source, folder: Path, asked: argparse.Namespace) -> Iterator[Pair]:
    """Yield what is predicted and what comes, of every size in one world."""
    short = study("ladder", world, asked.steps, asked.replicates)
    long = study("longer", world, LONGER * asked.steps, asked.replicates)
    before, after = trained(short, folder / "ladder"), trained(long, folder / "longer")
    for size in before.horizons:
        each = each_level(LEVEL, 2)
        found, bound = rungs(before, size, level=each), bounds(before, size, level=LEVEL)
        if isinstance(found, str) or isinstance(bound, str):
            raise ValueError(f"{name}, P = {size}: {found} {bound}")
        groups = [before.online(size, asked.steps), after.online(size, LONGER * asked.steps)]
        both, later = moments([block(group) for group in groups]), found.later(LONGER)
        last = contrast(both, np.array([1.0, 0.0]), level=each)
        yield Pair(
            name,
            size,
            last,
            above(jointly(np.array([1.0, -1.0]), [last, later], level=LEVEL, method="ladder"), bound.floor),
            contrast(both, np.array([0.0, 1.0]), level=LEVEL),
            later,
            contrast(both, np.array([1.0, -1.0]), level=LEVEL),
            bound.bias,
        )


def above(found: Estimate, floor: float) -> Estimate:
    """Return the estimate of what no model of that size undercuts."""
    low, value, high = (max(end, floor) for end in (found.low, found.value, found.high))
    return msgspec.structs.replace(found, low=low, value=value, high=high)


def span(found: Estimate) -> str:
    return f"{found.value:.4g} [{found.low:.4g}, {found.high:.4g}]"


def row(pair: Pair) -> str:
    cells = [pair.world, f"{pair.parameters:,}", span(pair.last), span(pair.predicted), span(pair.later)]
    cells += ["yes" if pair.held else "**no**", span(pair.gain), span(pair.gained), f"{pair.bias.low:.4g}"]
    return f"| {' | '.join([*cells, '**yes**' if pair.below else 'no'])} |"


def header(asked: argparse.Namespace) -> str:
    """Return what was run, where and when."""
    last, long = asked.steps, LONGER * asked.steps
    return (
        f"{measured('longer')}\n\n"
        f"Ladder {last // 16}, {last // 4}, {last} steps, then {long}; "
        f"{asked.replicates} replicates; nats per token.\n\n"
        f"| world | P | K at {last} | K at {long}, predicted | K at {long}, trained | held | gain, predicted "
        "| gain, trained | B at least | below B |\n|---|---|---|---|---|---|---|---|---|---|"
    )


def main() -> None:
    """Print the table, and how many held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS, help="the ladder's last horizon")
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--worlds", nargs="*", default=list(WORLDS), choices=list(WORLDS), help="some of the worlds")
    parser.add_argument("--out", type=Path, help="folder that keeps the runs; a temporary one if left out")
    asked = parser.parse_args()
    began, done = time.monotonic(), []
    print(header(asked), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.out or Path(scratch)
        for number, name in enumerate(WORLDS):
            if name in asked.worlds:
                for pair in pairs(name, WORLDS[name], folder / str(number), asked):
                    done.append(pair)
                    print(row(pair), flush=True)
    held, gains, below = (sum(flags) for flags in zip(*((p.held, p.foretold, p.below) for p in done), strict=True))
    print(f"\nHeld: {held} of {len(done)} ({held / len(done):.0%}, of which 90 % must). Below B: {below} (none may).")
    print(f"The gain alone lies in its interval for {gains} of {len(done)}.")
    print(f"{time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
