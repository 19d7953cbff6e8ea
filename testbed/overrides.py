"""A typed value from the words of a command line: each of its fields is an option."""

import functools
import types
import typing
from typing import Any, TypeVar

import msgspec

from testbed.sources import Source

Value = TypeVar("Value")


class _UnreadableError(Exception):
    """A word that is no JSON of what it should be; not a ValueError, as the parser of words puts those in a frame."""


def overridden(
    kind: type[Value], default: Value | None, words: list[str], prog: str, *, description: str, helped: bool
) -> Value:
    """Return ``default`` with the typed overrides in ``words``, or a value made of these alone.

    Nested rows are read from one word of JSON, and so are worlds inside of a value that has no default.

    Error: ValueError if such a word cannot be read; exits with status 2 on any other malformed one.
    """
    import tyro

    registry = tyro.constructors.ConstructorRegistry()
    registry.primitive_rule(functools.partial(_from_json, worlds=default is None))
    if helped:
        words = [*words, "--help"]
    flags: dict[str, Any] = {} if default is None else {"default": default}
    try:
        with registry:
            return tyro.cli(tyro.conf.AvoidSubcommands[kind], args=words, prog=prog, description=description, **flags)  # type: ignore[valid-type, misc]
    except _UnreadableError as unreadable:
        raise ValueError(str(unreadable)) from unreadable


def _from_json(info: Any, *, worlds: bool) -> Any:
    """Read a field from one word of JSON where no shell has words for its type."""
    import tyro

    if not _is_rows(info.type) and not (worlds and _holds_worlds(info.type)):
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="JSON" if _is_rows(info.type) else '{"kind": …}',
        instance_from_str=lambda words: _read(words[0], info.type),
        is_instance=lambda value: value is None or isinstance(value, tuple | Source),
        str_from_instance=lambda value: [msgspec.json.encode(value).decode()],
    )


def _read(word: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(word, type=kind)
    except msgspec.DecodeError as error:
        like = '\'{"kind": "iid", "vocabulary": 4}\'' if _holds_worlds(kind) else "'[[0.8, 0.2], [0.3, 0.7]]'"
        raise _UnreadableError(f"{word} cannot be read ({error}): JSON is expected here; e.g. {like}.") from error


def _is_rows(kind: Any) -> bool:
    return any(
        typing.get_origin(each) is tuple and typing.get_origin(typing.get_args(each)[0]) is tuple
        for each in _members(kind)
    )


def _holds_worlds(kind: Any) -> bool:
    """Return whether a type is the union of all worlds, or a tuple of them."""
    if typing.get_origin(kind) is tuple:
        return _holds_worlds(typing.get_args(kind)[0])
    members = _members(kind)
    return len(members) > 1 and all(isinstance(each, type) and issubclass(each, Source) for each in members)


def _members(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    return typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
