"""The laws that T(n) is predicted to follow, and why."""

from typing import Literal

import msgspec

from testbed.laws.record import Mixing

Shape = Literal[
    "Gaussian",
    "mixture",
    "stable",
    "single value",
    "few values",
    "two values",
    "degenerate",
    "rectified Gaussian",
    "signed power",
    "unknown",
]


class Growing(msgspec.Struct, frozen=True, kw_only=True):
    """Blocks that grow with the window: each is this share ρ of it, w = ρ·n."""

    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share={self.share}: a block is a part of the window, in (0, 1]; give for example 0.25.")


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What T(n) depends on, given the query; at rest, every assumption of the claim is kept."""

    world: Mixing | Growing
    """How fast tokens far apart become independent (`source.mixing()`), or that blocks grow with the window."""
    attention: Literal["softmax", "hard max", "top k"] = "softmax"
    """Whether all keys are weighed, the largest score takes all, or the k largest do; tied scores share."""
    continuous: bool = False
    """Whether keys take a continuum of values, so that no two positions have the same score."""
    logit_deviation: float | None = None
    """Standard deviation s of Gaussian logits, their keys independent of the values; absent, logits are bounded."""
    value_tail: float | None = None
    """Tail index α of independent noise on the values, 1 < α < 2, so that they have no variance; absent, they do."""
    kink: float | None = None
    """Exponent of the feed-forward nonlinearity at the mean: 1 for ReLU, h for Hölder, 0 for a step; absent, smooth.

    With a kink, T is that of the feed-forward network's own output: added to A, the terms mix.
    """

    def __post_init__(self) -> None:
        if self.value_tail is not None and not 1 < self.value_tail < 2:
            raise ValueError(f"value_tail={self.value_tail}: there is a mean and no variance in (1, 2); use 1.5.")
        if self.value_tail is not None and self.attention != "softmax" and not self.continuous:
            raise ValueError("value_tail with a finite set of keys: such noise is on the keys too; set continuous.")
        if self.kink is not None and not 0 <= self.kink <= 1:
            rule = "it is 1 for ReLU, in (0, 1) for Hölder and 0 for a step"
            raise ValueError(f"kink={self.kink}: {rule}; leave it out for smooth.")
        if self.logit_deviation is not None and not self.logit_deviation > 0:
            raise ValueError(f"logit_deviation={self.logit_deviation}: it is above 0; leave it out for bounded logits.")


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """How a measure of spread falls with n, the shape that the deviations take, and why.

    `slope` is the limit of the slope of log spread against log n, None where no power law describes lengths in reach.
    """

    slope: float | None
    limit: Shape
    measure: Literal["variance", "interquartile range"] = "variance"
    why: str

    @property
    def gaussian(self) -> bool:
        """Return whether standardised deviations become Gaussian."""
        return self.limit == "Gaussian"


def predicted(setting: Setting) -> Law:
    """Return the law of T(n) given the query.

    Error: a limit for n → ∞; how near a window is to it is told by exact values (`lags.windows`, `random_energy`).
    The shape for slow power laws is that of blocks. Of two assumptions that fail, the slower decay is told.

    Source: Ibragimov and Linnik (1971) for mixing sequences and stable limits; Derrida (1981) for Gaussian logits.

    >>> predicted(Setting(world=Mixing(decay="power law", value=0.5))).slope
    -0.5
    """
    law = averaged(setting.world) if setting.attention == "softmax" else _selected(setting)
    if setting.value_tail is not None:
        law = _heavy(law, setting.value_tail, setting.world)
    elif setting.logit_deviation is not None and law.gaussian:
        law = _gaussian_logits(setting.logit_deviation)
    return law if setting.kink is None else _kinked(law, setting.kink)


def averaged(world: Mixing | Growing) -> Law:
    """Return the law of an average of bounded features of the tokens."""
    if isinstance(world, Growing):
        why = f"a window holds {1 / world.share:.3g} blocks however long it is, so their regimes never average out"
        return Law(slope=0.0, limit="mixture", why=why)
    if world.decay == "never":
        why = "each sequence keeps its regime, and T tends to the spread of the regimes' limits"
        return Law(slope=0.0, limit="mixture", why=why)
    if world.decay == "periodic":
        why = "correlations come back for ever, and whether they cancel depends on n: take the exact sum of the window"
        return Law(slope=None, limit="unknown", why=why)
    if world.decay == "power law" and world.value <= 1:
        return _slow(world.value)
    return Law(slope=-1.0, limit="Gaussian", why="correlations are summable, so that n·T tends to the trace of a sum")


def _slow(exponent: float) -> Law:
    if exponent == 1:
        return Law(slope=None, limit="Gaussian", why="correlations fall as 1/k, so that T falls as log(n)/n")
    why = f"correlations fall as k^-{exponent:.3g}, too slowly for a sum, and T as they do: rare blocks as long as a"
    return Law(slope=-exponent, limit="stable", why=f"{why} share of the window make the variance")


def _selected(setting: Setting) -> Law:
    if not setting.continuous:
        why = "of finitely many keys the largest is soon seen, and T falls as the chance that it was not: exponentially"
        return Law(slope=None, limit="degenerate", why=why)
    if setting.attention == "hard max":
        return Law(slope=0.0, limit="single value", why="one position takes all weight, and its value is no average")
    why = "k positions share the weight however long the window is, and the mean of so few values keeps its spread"
    return Law(slope=0.0, limit="few values", why=why)


def _heavy(law: Law, tail: float, world: Mixing | Growing) -> Law:
    """Return the law of the interquartile range: the deviation of most windows, as rare ones have no variance."""
    decline = 1 / tail - 1
    if law.limit == "stable" and isinstance(world, Mixing):
        decline = max(decline, 1 / (1 + world.value) - 1)
    why = f"values with tail index {tail:.3g} have no variance"
    if law.slope == 0:
        return Law(slope=0.0, limit=law.limit, measure="interquartile range", why=f"{why}; {law.why}")
    slope = None if law.limit == "unknown" else decline
    return Law(
        slope=slope, limit="stable", measure="interquartile range", why=f"{why}; a mean is off by n^{decline:.3g}"
    )


def _gaussian_logits(deviation: float) -> Law:
    why = f"n·T/c tends to exp(s²) for s = {deviation:.3g}, from below and slowly, and where s > √(2 ln n) the few"
    why = f"{why} largest logits hold the weight, so that nothing averages: compare with the exact value at each n"
    return Law(slope=None, limit="Gaussian", why=why)


def _kinked(law: Law, exponent: float) -> Law:
    """Return the law after max(x, 0) or sign(x)·|x|^h at the mean: a spread enters with the power h, 0 for a step."""
    if exponent == 0 and law.limit not in ("degenerate", "unknown"):
        return Law(slope=0.0, limit="two values", why="a step keeps the sign of a deviation, however small it is")
    slope = None if law.slope is None else law.slope * exponent
    why = f"{law.why}; at the kink, spread enters with the power {exponent:.3g}"
    if not law.gaussian:
        return Law(slope=slope, limit=law.limit, measure=law.measure, why=why)
    return Law(slope=slope, limit="rectified Gaussian" if exponent == 1 else "signed power", why=why)


SUMMABLE = Mixing(decay="geometric", value=0.5)

TABLE: tuple[tuple[str, Setting], ...] = (
    ("independent or Markov tokens, or fixed blocks; softmax; smooth feed-forward", Setting(world=SUMMABLE)),
    ("one regime per sequence", Setting(world=Mixing(decay="never", value=1.0))),
    ("blocks of a quarter of the window", Setting(world=Growing(share=0.25))),
    ("block lengths with tail index 1.5", Setting(world=Mixing(decay="power law", value=0.5))),
    ("Gaussian logits of standard deviation 2", Setting(world=SUMMABLE, logit_deviation=2.0)),
    ("hard max over continuous keys", Setting(world=SUMMABLE, attention="hard max", continuous=True)),
    ("hard max over finitely many keys", Setting(world=SUMMABLE, attention="hard max")),
    ("top k over continuous keys", Setting(world=SUMMABLE, attention="top k", continuous=True)),
    ("values with tail index 1.5", Setting(world=SUMMABLE, value_tail=1.5)),
    ("Hölder kink with exponent ½ at the mean", Setting(world=SUMMABLE, kink=0.5)),
    ("ReLU kink at the mean", Setting(world=SUMMABLE, kink=1.0)),
    ("step at the mean", Setting(world=SUMMABLE, kink=0.0)),
)
"""What is broken in each world of the study; `predicted` gives the law."""
