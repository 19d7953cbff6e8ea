"""How a grid is trained, evaluated and laid out: the settings of an experiment, each with the values it may take."""

import math
from typing import Literal

from testbed.checked import Checked
from testbed.wording import short

Stopping = Literal["final", "best"]

MOST_STEPS = MOST_WINDOWS = 2**31 - 1
"""Steps, and windows of a data set or of a run, are counted in 32 bits on the device."""

MOST_SEQUENCES, MOST_CHECKPOINTS, MOST_RUNGS, MOST_RATIO, MOST_BETA = 2**20, 4096, 28, 2**14, 1 - 1e-6
"""Beyond what anybody evaluates, and before what a machine lays out or float32 tells from 1."""

LEAST, MOST, MOST_RATE = 1e-30, 1e30, 3e38
"""Magnitudes that float32 can square root, multiply and add without reaching its ends; of a rate, those it holds."""


def require(holds: bool, name: str, value: object, rule: str, remedy: str) -> None:
    """Refuse a value that breaks a rule.

    Error: ValueError that names the value, the rule and a remedy.
    """
    if not holds:
        raise ValueError(f"{name}={short(value)}: must be {rule}; {remedy}.")


def require_rising(name: str, values: tuple[int, ...] | tuple[float, ...], example: str) -> None:
    """Refuse a list that is empty, or not in rising order without repeats."""
    require(len(values) > 0, name, values, "at least one number", f"e.g. {example}")
    rising = sorted(set(values))
    shown = " ".join(map(short, rising[:6]))
    remedy = f"use {shown}" if len(rising) <= 6 else "sort them and drop repeats"
    require(list(values) == rising, name, values, "distinct and in rising order", remedy)


def require_between(name: str, value: int | float, least: int | float, most: int | float, example: str) -> None:
    """Refuse a number outside of an interval, ends included."""
    require(least <= value <= most, name, value, f"between {least} and {most}", f"e.g. {example}")


class Optimiser(Checked, frozen=True, kw_only=True):
    """AdamW with global-norm clipping, linear warm-up and a cosine to zero."""

    batch: int = 32
    """Sequences per step."""
    warmup: float = 0.05
    """Share of the horizon over which the learning rate rises linearly."""
    weight_decay: float = 0.01
    """Decoupled weight decay, on matrices only."""
    beta1: float = 0.9
    """Decay of Adam's first moment."""
    beta2: float = 0.98
    """Decay of Adam's second moment."""
    clip: float = 1.0
    """Largest global norm of a gradient."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        require(self.batch >= 1, "optimiser.batch", self.batch, "at least one sequence a step", "e.g. 32")
        require_between("optimiser.batch", self.batch, 1, MOST_WINDOWS, "32")
        require(0 <= self.warmup < 1, "optimiser.warmup", self.warmup, "a share in [0, 1)", "e.g. 0.05")
        decay, rule = self.weight_decay, "finite and not negative"
        require(0 <= decay < math.inf, "optimiser.weight_decay", decay, rule, "use 0 for none")
        require_between("optimiser.weight_decay", decay, 0, MOST, "0.01")
        for name, value, example in (("beta1", self.beta1, "0.9"), ("beta2", self.beta2, "0.98")):
            rule = f"in [0, {MOST_BETA}], as float32 cannot tell more from 1"
            require(0 <= value <= MOST_BETA, f"optimiser.{name}", value, rule, f"e.g. {example}")
        require(self.clip > 0, "optimiser.clip", self.clip, "positive", "use a large number for none, e.g. 1e9")
        require_between("optimiser.clip", self.clip, LEAST, MOST, "1.0, or 1e9 for none")


class Evaluation(Checked, frozen=True, kw_only=True):
    """Where and how often a model is compared with the Bayes predictive."""

    sequences: int = 128
    """Evaluation windows, shared by every model of the world."""
    checkpoints: int = 12
    """Evaluated steps, spaced logarithmically up to the horizon; the horizons themselves are always evaluated."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        rule = "even and at least 4, as one half may choose the checkpoint and the other reports it"
        count = self.sequences
        require(count >= 4 and count % 2 == 0, "evaluation.sequences", count, rule, "e.g. 128")
        require_between("evaluation.sequences", count, 4, MOST_SEQUENCES, "128")
        require(self.checkpoints >= 2, "evaluation.checkpoints", self.checkpoints, "at least 2", "e.g. 12")
        require_between("evaluation.checkpoints", self.checkpoints, 2, MOST_CHECKPOINTS, "12")


class Grid(Checked, frozen=True, kw_only=True):
    """Sizes P × stored tokens D × replicates."""

    multiples: tuple[int, ...] = (1, 2, 4, 8)
    """The model's width times each of these gives the sizes."""
    tokens: tuple[int, ...] = (2048, 8192, 32768, 131072, 524288)
    """Stored tokens D, each a whole number of windows; online training is always added."""
    replicates: int = 3
    """Replicates, each with a draw of the data and first parameters of its own."""
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


class Training(Checked, frozen=True, kw_only=True):
    """How long, at which learning rates, and which parameters count."""

    steps: int = 320
    """Steps T of every stored run and of the longest online run."""
    ladder: int = 3
    """Online horizons T, T/ratio, T/ratio², …: so many rungs, from which the limit of infinite training is judged."""
    ratio: int = 4
    """Ratio of neighbouring horizons."""
    learning_rates: tuple[float, ...] = (0.003, 0.01, 0.03)
    """Candidates; each size takes the one that is best online at the last horizon but one."""
    stopping: Stopping = "best"
    """Which parameters are kept: "final", or "best" as judged on the first half of the evaluation windows."""

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

    @property
    def horizons(self) -> tuple[int, ...]:
        """Return the online horizons in rising order."""
        return tuple(self.steps // self.ratio**rung for rung in reversed(range(self.ladder)))
