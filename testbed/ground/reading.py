"""JSON to the letter: what would be dropped or bent without a word is refused; and what a plain value is known by."""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from testbed.ground.wording import cut, short

Value = TypeVar("Value")


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


class UnfamiliarError(ValueError):
    """What a file holds is sound, and made with something that is not at hand here."""


def unfamiliar(kind: str, where: str) -> str:
    """Return the sentence about a kind that no shelf has."""
    return (
        f"it is sound, and of a kind {short(kind)!r} ({where}) that is on no shelf here: put the package that defines"
        " it on Python's path, or use the version of testbed that made it"
    )


def strictly(payload: bytes, kind: type[Value]) -> Value:
    """Return the value of a kind that a JSON file holds; fields that are unknown, missing or given twice are refused.

    Error: ValueError that says what does not fit.
    """
    try:
        value, written = msgspec.json.decode(payload, type=kind), loads(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        strange = re.match(r"Invalid value '(.+)' - at `(\$.*)\.kind`$", str(error))
        if strange is not None:
            raise UnfamiliarError(unfamiliar(strange[1], f"at {strange[2]}")) from error
        raise ValueError(
            f"The saved experiment cannot be read: {cut(str(error), 200)}. Restore the file, or use a new folder."
        ) from error
    unknown = ", ".join(unread(written, msgspec.to_builtins(value)))
    if unknown:
        raise ValueError(
            f"The saved experiment cannot be read: unknown fields {short(unknown, 120)}, as another version may have"
            " written it. Restore the file, or use a new folder."
        )
    return value


def unread(written: Any, read: Any, path: str = "$") -> Iterator[str]:
    """Yield the fields that were written in JSON and not read into a value, given both as plain values."""
    if isinstance(written, dict):
        for name in written:
            if name in read:
                yield from unread(written[name], read[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(written, list):
        for at, pair in enumerate(zip(written, read, strict=True)):
            yield from unread(*pair, f"{path}[{at}]")


def digest(value: Any) -> str:
    """Return the sha256 (hex) of the canonical JSON of a plain value: sorted keys, no spaces."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


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
