"""Reading JSON to the letter: what would be dropped or bent without a word is refused."""

import json
import math
from typing import Any


def loads(text: str | bytes) -> Any:
    """Return what a JSON text holds.

    Error: ValueError if it is no JSON or nested too deep, a number is not finite, or a name stands twice in an object.

    >>> loads('{"T": 1, "T": 2}')
    Traceback (most recent call last):
    ValueError: the name T stands twice in one object
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name[:40]} stands twice in one object")
        found[name] = value
    return found


def _finite(word: str) -> float:
    if not math.isfinite(float(word)):
        raise ValueError(f"{word[:40]} is no finite number")
    return float(word)
