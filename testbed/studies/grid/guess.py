"""What is guessed of a grid before anything is known of it: enough to simulate its tables."""

from testbed.ground.checked import Checked
from testbed.ground.rules import require

MOST_BIAS, MOST_FACTOR, STEEPEST = 100.0, 1e3, 8.0
"""Beyond what any B in nats, any V·D over the parameters or Ω over V, and any exponent of V can be."""


class Guess(Checked, frozen=True, kw_only=True):
    """Loss and noise of a grid, as far as a guess goes; pilots that have run replace all of it."""

    bias: tuple[float, ...] | None = None
    """B(P) in nats per token, a value for each size; if absent, what logits of the model's width leave of the laws that
    the world names, or else half of log V − ε at the smallest size, falling as P^−½."""
    variance: float = 0.5
    """V·D over the effective parameters (those of the model, or the free numbers of the world's laws if fewer), where D
    is large; V never exceeds log V − ε. Counting has ½."""
    exponent: float = 1.0
    """V falls as D to minus this."""
    gap: float = 2.0
    """Ω(P, T) over the V of as many stored tokens as T steps consume."""
    fresh_noise: float = 0.15
    """Standard deviation over replicates of K on fresh data, as a share of K."""
    stored_noise: float = 0.1
    """Standard deviation over replicates of K on stored tokens, as a share of K."""
    spread: float = 0.3
    """Standard deviation over evaluation windows of K, as a share of K."""
    shared: float = 0.3
    """Share of that variance that all models have in common."""

    def __post_init__(self) -> None:
        """Refuse what no surface can be."""
        for value in self.bias or ():
            rule = f"B(P) of each size, from 0 to {MOST_BIAS:g} nats"
            require(0 <= value <= MOST_BIAS, "guess.bias", self.bias, rule, "e.g. 0.3 0.1 0.03")
        for name, most, example in (
            ("variance", MOST_FACTOR, "0.5"), ("exponent", STEEPEST, "1"), ("gap", MOST_FACTOR, "2")
        ):  # fmt: skip
            value = getattr(self, name)
            require(0 < value <= most, f"guess.{name}", value, f"above zero, at most {most:g}", f"e.g. {example}")
        for name in ("fresh_noise", "stored_noise", "spread"):
            value = getattr(self, name)
            require(0 < value <= 3, f"guess.{name}", value, "a share above 0, at most 3", "e.g. 0.1")
        require(0 <= self.shared < 1, "guess.shared", self.shared, "a share in [0, 1)", "e.g. 0.3")
