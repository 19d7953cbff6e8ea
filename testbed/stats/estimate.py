"""The only form in which a number leaves this room: with its interval, level, sample size and method."""

import math

import msgspec


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A number and how far it can be trusted.

    ``value`` lies in the interval from ``low`` to ``high``, which covers the truth with probability ``level``;
    an end may be infinite where the data say nothing. ``n`` counts the independent units behind the interval
    (replicates, sequences, groups), and ``method`` names how it was made.

    >>> Estimate(value=1.0, low=0.5, high=1.5, level=0.95, n=4, method="t").high
    1.5
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    method: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"value {self.value} must be finite; a computation that failed is told by a sentence.")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.low} <= {self.value} <= {self.high} must hold; an interval contains its value.")
        if self.n < 1:
            raise ValueError(f"n {self.n} must be 1 or more; an estimate rests on independent units.")
        check_level(self.level)


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level {level} must lie strictly between 0 and 1; 0.95 is usual.")


def critical(level: float, freedom: float) -> float:
    """Return the two-sided critical value of Student's t.

    >>> round(critical(0.95, 2.0), 3)
    4.303
    """
    check_level(level)
    from scipy.special import stdtrit  # late: declaring a claim needs neither

    from testbed.stats.identified import NoInformation

    if not freedom > 0:
        raise NoInformation(f"{freedom} degrees of freedom leave no interval; they must be above 0, so use more units.")

    found = float(stdtrit(freedom, (1 + level) / 2))
    if not 0 < found < math.inf:
        raise ValueError(f"level {level} cannot be told from 0 or 1 with {freedom} degrees of freedom; 0.95 is usual.")
    return found
