"""A typed value from the words of a command line: each of its fields is an option."""

import difflib
import functools
import re
import types
import typing
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from testbed import reading
from testbed.sources import Source
from testbed.wording import cut, short

Value = TypeVar("Value")

_MEANT = {
    r"invalid literal for int\(\) with base 10: (.*)": r"\1 is no whole number in digits",
    r"could not convert string to float: (.*)": r"\1 is no number",
    r"Could not find valid parse for arguments: \[(.*)\]": r"\1 cannot be read",
}
"""What is said of a word that cannot be read, and what it means."""


class _UnreadableError(Exception):
    """A word of JSON that is refused, in one sentence; not a ValueError, as the parser of words would reword those."""


def overridden(
    kind: type[Value], default: Value | None, words: list[str], prog: str, *, description: str, helped: bool
) -> Value:
    """Return ``default`` with the typed overrides in ``words``, or a value made of these alone.

    Nested rows are read from one word of JSON, and so are worlds inside of a value that has no default.

    Error: ValueError, in one sentence, if a word cannot be read, is missing or unknown, or the value refuses it.
    """
    import tyro
    from tyro import _errors  # no other way past the frames that it draws around what it refuses

    def refuse(event: Any) -> None:
        raise ValueError(_sentence(event, prog, _flags(kind if default is None else default)))

    registry = tyro.constructors.ConstructorRegistry()
    registry.primitive_rule(functools.partial(_from_json, worlds=default is None))
    if helped:
        words = [*words, "--help"]
    flags: dict[str, Any] = {} if default is None else {"default": default}
    try:
        with registry, _errors.on_parse_error(refuse):
            return tyro.cli(tyro.conf.AvoidSubcommands[kind], args=words, prog=prog, description=description, **flags)  # type: ignore[valid-type, misc]
    except _UnreadableError as unreadable:
        raise ValueError(str(unreadable)) from unreadable


def _sentence(event: Any, prog: str, flags: Iterator[str]) -> str:
    """Return what was refused, why, and the remedy."""
    helped = f"see {prog} --help"
    unknown = getattr(event, "unrecognized_tokens", getattr(event, "tokens", []))
    if unknown:
        word = next((each for each in unknown if each.startswith("--")), unknown[0])
        return _unknown(word, list(flags), helped)
    if hasattr(event, "missing_arguments"):
        missing = ", ".join(each.arg.lowered.name_or_flags[0] for each in event.missing_arguments)
        return f"{missing}: it has no default, so it must be given; {helped}."
    message, argument = str(getattr(event, "message", "")), getattr(event, "argument", None)
    if argument is None:
        return message or f"{type(event).__name__}: these words do not go together; {helped}."
    named, values = argument.lowered.name_or_flags[0], str(argument.lowered.metavar).removeprefix("{None}|")
    if hasattr(event, "choices"):
        return f"{named} {short(event.value)}: it must be one of {', '.join(event.choices)}; choose one of them."
    why = _plainly(message.splitlines()[0].rstrip(".")) if message else "a value is missing"
    return f"{named}: {cut(why, 160)}; it takes {short(values)}; {helped}."


def _plainly(why: str) -> str:
    """Return what Python and tyro say of a word, without their own names for it."""
    for said, meant in _MEANT.items():
        why = re.sub(said, meant, why)
    return why


def _unknown(word: str, flags: list[str], helped: str) -> str:
    """Return why a word is no option: it is spelt in another way, or stands for a value with options of its own."""
    asked = word.split("=")[0]
    inside = [flag for flag in flags if flag.startswith(f"{asked}.")]
    if inside:
        rule = "it has fields of its own, and its kind is that of the preset"
        return f"{short(word)}: {rule}; set one of them, e.g. {inside[0]}; {helped}."
    if asked in flags:
        return f"{short(word)}: it is that of the preset, and has no fields; write another into the file; {helped}."
    near = difflib.get_close_matches(asked, flags, n=1)
    return f"{short(word)}: there is no such option{f' (did you mean {near[0]}?)' if near else ''}; {helped}."


def _flags(value: Any, before: str = "--") -> Iterator[str]:
    """Return the options that set the fields of a value or of a kind, and of the values inside."""
    for field in msgspec.structs.fields(value):
        name, inside = f"{before}{field.name.replace('_', '-')}", getattr(value, field.name, None)
        yield name
        for place, each in [("", inside)] if not isinstance(inside, tuple) else enumerate(inside):
            if isinstance(each, msgspec.Struct):
                yield from _flags(each, f"{name}.{place}{'.' if place != '' else ''}")


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
    like = '\'{"kind": "iid", "vocabulary": 4}\'' if _holds_worlds(kind) else "'[[0.8, 0.2], [0.3, 0.7]]'"
    try:
        value = msgspec.json.decode(word, type=kind)
        reading.loads(word)
        return value
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ValueError):  # a world's own refusal
            raise _UnreadableError(f"{short(word)}: {error.__cause__}") from error
        why = cut(str(error), 160)
        raise _UnreadableError(f"{short(word)} does not fit ({why}): correct that; e.g. {like}.") from error
    except RecursionError as error:
        raise _UnreadableError(f"{short(word)}: it is nested too deep; write something like {like}.") from error
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        why = cut(str(error), 160)
        raise _UnreadableError(f"{short(word)} cannot be read ({why}): JSON is expected here; e.g. {like}.") from error
    except ValueError as error:
        raise _UnreadableError(f"{short(word)} is ambiguous ({error}): correct that; e.g. {like}.") from error


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
