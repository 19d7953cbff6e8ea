"""Refusals of numbers that a model cannot be built with."""

import math

LEAST, MOST = 1e-30, 1e30
"""Magnitudes that float32 multiplies and adds without reaching its ends."""


def unless_between(name: str, value: int, least: int, most: int) -> None:
    """Refuse a whole number outside of an interval, ends included."""
    if value < least:
        raise ValueError(f"{name}={value} is refused: it must be at least {least}; use {least} or more.")
    if value > most:
        raise ValueError(f"{name}={value} is refused: it must be at most {most}; use {most} or less.")


def unless_positive(name: str, value: float) -> None:
    """Refuse what is no finite number above zero, or one that float32 would make zero or infinite."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name}={value!r} is refused: it must be a finite number above zero; use for example 1.0.")
    if not LEAST <= value <= MOST:
        raise ValueError(f"{name}={value!r} is refused: it must lie between {LEAST} and {MOST}; use for example 1.0.")
