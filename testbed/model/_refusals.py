"""Refusals of numbers that a model cannot be built with."""

import math


def unless_at_least(name: str, value: object, least: int) -> None:
    """Refuse what is no integer, or is below ``least``."""
    if type(value) is not int or value < least:
        raise ValueError(
            f"{name}={value!r} is refused: it must be an integer and at least {least}; use {least} or more."
        )


def unless_positive(name: str, value: object) -> None:
    """Refuse what is no finite number above zero."""
    if type(value) not in (int, float) or not 0 < value < math.inf:  # type: ignore[operator]
        raise ValueError(f"{name}={value!r} is refused: it must be a finite number above zero; use for example 1.0.")
