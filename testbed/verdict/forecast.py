"""What a design can decide before it is run: truths planted about the edge of a region, and the verdicts they earn."""

import math
from typing import Literal, NamedTuple

import msgspec

Place = Literal["inside", "edge", "outside"]
PLACES: tuple[Place, ...] = ("inside", "edge", "outside")
"""Where the truth is planted, as seen from the region that a claim declares."""
FEWEST = 40
"""Draws of inside and of outside, each, from which on a claim may be called one that its design never decides."""
NEVER = 0.05
"""Share of right verdicts below which, both inside and outside, a claim counts as never decided."""


class Chances(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many simulated runs earned each verdict where the claim's number truly is ``value``."""

    value: float
    supported: int = 0
    refuted: int = 0
    undecided: int = 0
    invalid: int = 0
    why: str = ""
    """Why there was no estimate, of the first run that gave none."""

    @property
    def count(self) -> int:
        """The number of simulated runs."""
        return self.supported + self.refuted + self.undecided + self.invalid

    def share(self, *words: str) -> float:
        """Return the share of runs that earned one of these verdicts; 0 before the first.

        >>> Chances(value=0.1, supported=30, undecided=10).share("supported", "refuted")
        0.75
        """
        return sum(getattr(self, word) for word in words) / max(self.count, 1)


class Forecast(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The verdicts that a design earns with the truth inside, on the edge of and outside the region of a claim.

    A place is None where no value can be there; all are where nothing could be planted, and ``unplanted`` says why.
    """

    inside: Chances | None = None
    edge: Chances | None = None
    outside: Chances | None = None
    basis: str = ""
    """What the simulated surface rests on."""
    unplanted: str = ""

    @property
    def right(self) -> float:
        """The greater share of right verdicts: supported inside, or refuted outside."""
        inside = self.inside.share("supported") if self.inside else 0.0
        return max(inside, self.outside.share("refuted") if self.outside else 0.0)

    @property
    def never(self) -> bool:
        """Whether inside was (almost) never supported and outside (almost) never refuted, in draws enough to say so."""
        sides = [side for side in (self.inside, self.outside) if side is not None]
        return bool(sides) and min(side.count for side in sides) >= FEWEST and self.right < NEVER


class Places(NamedTuple):
    """Values of a number inside, on the edge of and outside a region; None where none can be."""

    inside: float | None
    edge: float | None
    outside: float | None


def placed(
    region: tuple[float, float], own: float, *, least: float, domain: tuple[float, float] = (-math.inf, math.inf)
) -> Places:
    """Return where to plant a truth: as far from the nearest edge as the guess ``own`` is, on either side of it.

    The distance is at least ``least`` and, in a region with two ends, at most half of it. Values outside ``domain``
    cannot be: those beyond it move to its end, and a place is None where nothing of it is left.

    >>> placed((-0.05, 0.05), 0.0, least=0.01)
    Places(inside=0.0, edge=0.05, outside=0.1)
    >>> placed((-math.inf, 0.1), 0.3, least=0.01, domain=(0.0, 1.0))
    Places(inside=0.0, edge=0.1, outside=0.3)
    """
    low, high = region
    least_value, most_value = domain
    ends = [end for end in (high, low) if math.isfinite(end)]
    between = [end for end in ends if least_value < end < most_value]
    edge = min(between or ends, key=lambda end: (abs(own - end), end != high))
    far = max(abs(own - edge), least)
    far = min(far, (high - low) / 2) if math.isfinite(high - low) else far
    inward = -1.0 if edge == high else 1.0

    def clipped(value: float) -> float | None:
        found = min(max(value, least_value), most_value)
        return None if found == edge else found

    return Places(clipped(edge + inward * far), edge if between else None, clipped(edge - inward * far))
