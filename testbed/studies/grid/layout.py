"""How a grid is laid out: sizes, data and replicates; horizons and learning rates."""

import itertools
import math
from typing import Literal, NamedTuple

from testbed.cell import Stopping
from testbed.ground.checked import Checked
from testbed.ground.rules import LEAST, MOST_RATE, MOST_STEPS, require, require_between, require_rising
from testbed.ground.wording import short

Rule = Literal["final", "best", "one pass"]
"""When training stops: after T steps, at the checkpoint that is best, or when each stored token was seen once."""

MOST_RUNGS, MOST_RATIO = 28, 2**14
"""Beyond what anybody trains."""
MOST_DECAY = 8.0
"""Beyond what a power law of training can be."""


class Tuned(NamedTuple):
    """What a learning rate is chosen for: a size, with fresh or stored tokens, and the steps it is trained for."""

    parameters: int
    stored: bool
    tokens: int
    horizon: int


class Grid(Checked, frozen=True, kw_only=True):
    """Sizes P × stored tokens D × replicates."""

    multiples: tuple[int, ...] = (1, 2, 4, 8)
    """The model's width, or what else `scaled` names, times each of these gives the sizes."""
    scaled: Literal["width", "depth", "both"] = "width"
    """What the multiples multiply: the model's width, its number of layers, or both."""
    tokens: tuple[int, ...] = (2048, 8192, 32768, 131072, 524288)
    """Stored tokens D, each a whole number of windows; online training is always added."""
    replicates: int = 3
    """Replicates, each with a draw of the data and first parameters of its own."""
    initialisations: int | None = None
    """Cross each draw of the data with as many first parameters, which tells their variances apart; if absent, each
    replicate has a draw and first parameters of its own."""
    nested: bool = False
    """Share draws and first parameters over all D and sizes of a replicate, smaller stored sets being the beginnings of
    larger ones; otherwise every group of cells has draws of its own, as the intervals over groups assume."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        for name, values, example in (("multiples", self.multiples, "1 2 4 8"), ("tokens", self.tokens, "2048 8192")):
            least = min(values, default=1)
            require(least >= 1, f"grid.{name}", values, "positive", f"leave {short(least)} out, e.g. {example}")
            require_rising(f"grid.{name}", values, example)
        rule = "at least 2, or no interval exists"
        require(self.replicates >= 2, "grid.replicates", self.replicates, rule, "e.g. 3")
        if self.initialisations is not None:
            rule = "at least 2, or nothing is crossed"
            require(self.initialisations >= 2, "grid.initialisations", self.initialisations, rule, "leave it out")

    @property
    def run_count(self) -> int:
        """Return the number of runs of one group."""
        return self.replicates * (self.initialisations or 1)

    @property
    def runs(self) -> tuple[tuple[int, int], ...]:
        """Return (draw, initialisation) of the runs of one group."""
        if self.initialisations is None:
            return tuple((replicate, replicate) for replicate in range(self.replicates))
        return tuple(itertools.product(range(self.replicates), range(self.initialisations)))


class Training(Checked, frozen=True, kw_only=True):
    """How long, at which learning rates, and which parameters count."""

    steps: int = 320
    """Steps T of every stored run and of the longest online run."""
    ladder: int = 3
    """Online horizons T, T/ratio, T/ratio², …: so many rungs, from which the limit of infinite training is judged."""
    ratio: int = 4
    """Ratio of neighbouring horizons."""
    learning_rates: tuple[float, ...] = (0.003, 0.0048, 0.0077, 0.0123, 0.0196, 0.0314)
    """Candidates, e.g. in steps of 1.6: each size takes, for each horizon and for each D, the smallest whose pilots are
    within one standard error of the best."""
    pilots: int = 2
    """Replicates of each pilot, which have draws of their own."""
    stopping: Rule = "best"
    """Which parameters of a run on stored tokens count: "final", those after T steps; "best", those of the checkpoint
    that is best on the first half of the evaluation windows; "one pass", those after each token was seen once."""
    decay: tuple[float, float] = (0.25, 2.0)
    """Declared least and largest exponent γ by which the loss on fresh data approaches B(P) with the horizon."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        rule = "at least 3 rungs, or no limit can be judged"
        require(self.ladder >= 3, "training.ladder", self.ladder, rule, "e.g. 3")
        require(self.ratio >= 2, "training.ratio", self.ratio, "at least 2", "e.g. 4")
        require_between("training.ladder", self.ladder, 3, MOST_RUNGS, "3")
        require_between("training.ratio", self.ratio, 2, MOST_RATIO, "4")
        rung, most = self.ratio ** (self.ladder - 1), MOST_STEPS // 8
        rule = f"at most {most}, an eighth of the most steps that are counted"
        require(rung <= most, "training.ratio to the power of ladder - 1", rung, rule, "e.g. ratio 4, ladder 3")
        rule = f"a multiple of {rung} ({self.ratio} to the power of ladder - 1), at least {8 * rung}"
        remedy = f"e.g. {max(8, round(min(self.steps, MOST_STEPS - rung) / rung)) * rung}"
        whole = 8 * rung <= self.steps <= MOST_STEPS and self.steps % rung == 0
        require(whole, "training.steps", self.steps, f"{rule}, and below 2^31", remedy)
        rates, example = self.learning_rates, "0.003 0.01 0.03"
        for rate in rates:
            require(0 < rate < math.inf, "training.learning_rates", rates, "positive and finite", f"e.g. {example}")
            require_between("training.learning_rates", rate, LEAST, MOST_RATE, example)
        require_rising("training.learning_rates", rates, example)
        require(self.pilots >= 1, "training.pilots", self.pilots, "at least 1", "e.g. 2")
        low, high = self.decay
        require(
            0 < low < high <= MOST_DECAY,
            "training.decay",
            self.decay,
            f"two rising exponents above 0, at most {MOST_DECAY:g}",
            "e.g. 0.25 2",
        )

    @property
    def kept(self) -> Stopping:
        """Return which parameters a run keeps."""
        return "best" if self.stopping == "best" else "final"

    @property
    def horizons(self) -> tuple[int, ...]:
        """Return the online horizons in rising order."""
        return tuple(self.steps // self.ratio**rung for rung in reversed(range(self.ladder)))
