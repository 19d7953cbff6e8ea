"""Rules of what may be asked of learners that count, each refused with the value, the rule and a remedy."""

import numpy as np
from jaxtyping import Float, Int

from testbed.ground.rules import LEAST, MOST, require
from testbed.ground.wording import short
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent
from testbed.sources import Source

LARGEST = 2**16
"""Most words of one length."""
MOST_TOKENS = 2**20
"""Most tokens that a learner counts, as the law of a count has a number for each."""
SUMS_TO_ONE = 1e-9


def whole(name: str, value: object, least: int, most: int, example: int) -> int:
    """Return a whole number between two ends, NumPy's as Python's.

    >>> whole("order", np.int64(2), 0, 9, 1)
    2
    """
    fits = isinstance(value, int | np.integer) and not isinstance(value, bool) and least <= int(value) <= most
    if not fits:
        require(False, name, value, f"a whole number between {least} and {most}", f"e.g. {example}")
    return int(value)  # type: ignore[call-overload]


def check_world(world: object) -> None:
    """Refuse what is no world.

    >>> from testbed.sources import Iid
    >>> check_world(Iid(vocabulary=2))
    """
    require(isinstance(world, Source), "world", world, "a world of testbed.sources", "e.g. Iid(vocabulary=2)")


def check_words(world: object, length: object) -> None:
    """Refuse what is no world, and words of a length that is none, or of which there are too many.

    >>> from testbed.sources import Iid
    >>> check_words(Iid(vocabulary=2), 16)
    """
    check_world(world)
    tokens = whole("length", length, 0, 2**31 - 1, 3)
    symbols = world.alphabet  # type: ignore[attr-defined]
    if tokens * np.log(symbols) > np.log(LARGEST) + 1e-9:
        raise ValueError(f"{symbols}^{tokens} words: at most {LARGEST} are laid out; lower the order.")


def check_order(world: object, order: object) -> int:
    """Return the order k of a learner in a world, or refuse one whose words of k + 1 tokens are too many.

    >>> from testbed.sources import Iid
    >>> check_order(Iid(vocabulary=2), 3)
    3
    """
    found = whole("order", order, 0, 2**31 - 2, 1)
    check_words(world, found + 1)
    return found


def check_window(world: object, order: object, length: object) -> int:
    """Return the length of a window, or refuse it, or words of the longest context that it holds.

    >>> from testbed.sources import Iid
    >>> check_window(Iid(vocabulary=2), 100, 3)
    3
    """
    found = whole("length", length, 1, MOST_TOKENS, 16)
    check_order(world, min(whole("order", order, 0, 2**31 - 2, 1), found - 1))
    return found


def machine(world: Source) -> Machine:
    """Return the machine of a stationary world, or refuse the world.

    >>> from testbed.sources import Iid
    >>> machine(Iid(vocabulary=2)).symbols
    2
    """
    found = world.machine()
    if isinstance(found, Absent) or not world.stationary:
        raise ValueError(f"{type(world).__name__} is no stationary world with a finite machine; use iid or markov.")
    return found


def check_pseudo_count(value: object) -> None:
    """Refuse a pseudo-count that is neither 0 nor between 1e-30 and 1e30.

    >>> check_pseudo_count(0.5)
    """
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    fits = number and (value == 0 or LEAST <= float(value) <= MOST)  # type: ignore[arg-type]
    require(fits, "pseudo_count", value, f"0, or a number between {LEAST:g} and {MOST:g}", "e.g. 0.5")


def check_targets(targets: object, words: int) -> Int[np.ndarray, " N"]:
    """Return codes of words, each a whole number from 0 to one less than there are words.

    >>> check_targets([0, 3], 4).tolist()
    [0, 3]
    """
    found = _array("targets", targets)
    fits = found.ndim == 1 and found.size and found.dtype.kind in "iu" and found.min() >= 0 and found.max() < words
    require(bool(fits), "targets", targets, f"one or more codes of words, whole, 0 to {words - 1}", "e.g. [0]")
    return found.astype(np.int64)


def check_law(law: object) -> Float[np.ndarray, " V"]:
    """Return probabilities of symbols as float64: not below zero, with the sum 1.

    >>> check_law([0.25, 0.75]).tolist()
    [0.25, 0.75]
    """
    found = _array("law", law)
    real = found.ndim == 1 and found.size and found.dtype.kind in "iuf"
    fits = bool(real and (found >= 0).all() and abs(float(found.sum()) - 1) <= SUMS_TO_ONE)
    require(fits, "law", law, "one or more probabilities, none below 0, with the sum 1", "divide them by their sum")
    return found.astype(np.float64)


def _array(name: str, values: object) -> np.ndarray:
    try:
        return np.asarray(values)
    except (ValueError, OverflowError) as problem:
        raise ValueError(f"{name}={short(values)}: must be one row of numbers; give a flat list.") from problem
