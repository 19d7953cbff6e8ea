"""What is guessed of a study of noise before anything is observed: enough to simulate its tables."""

from testbed.ground.checked import Checked
from testbed.ground.rules import require


class Guess(Checked, frozen=True, kw_only=True):
    """How far levels scatter, and projections are from Gaussian; a run that was observed replaces the scatter."""

    dimensions: float = 2.0
    """Directions among which the variance is spread evenly: T of S sequences has a relative error of √(2/(S·this))."""
    retraining: float = 0.1
    """Standard deviation of log T between models that are trained anew."""
    distance: float = 0.02
    """Kolmogorov–Smirnov distance from a normal law at the longest length."""
    first_distance: float = 0.1
    """The same at the shortest length, from which it falls."""

    def __post_init__(self) -> None:
        """Refuse what no study can show."""
        require(self.dimensions >= 0.01, "guess.dimensions", self.dimensions, "0.01 or more", "e.g. 2")
        require(0 <= self.retraining <= 3, "guess.retraining", self.retraining, "in [0, 3]", "e.g. 0.1")
        for name in ("distance", "first_distance"):
            value = getattr(self, name)
            require(0 < value <= 0.3, f"guess.{name}", value, "a distance above 0, at most 0.3", "e.g. 0.05")
