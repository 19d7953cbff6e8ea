"""Rules that a number which is asked for must keep, each refused with the value, the rule and a remedy."""

from testbed.ground.wording import short

MOST_STEPS = MOST_WINDOWS = 2**31 - 1
"""Steps, and windows of a data set or of a run, are counted in 32 bits on the device."""

MOST_SEQUENCES, MOST_CHECKPOINTS, MOST_BETA = 2**20, 4096, 1 - 1e-6
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
