"""A typed value from the words of a command line: each of its fields is an option."""

import copy
import difflib
import functools
import json
import re
import typing
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from testbed.cli import fields
from testbed.ground import reading
from testbed.ground.reading import unread
from testbed.ground.wording import cut, offered, short
from testbed.sources import Source

Value = TypeVar("Value")

_MEANT = {
    r"invalid literal for int\(\) with base 10: (.*)": r"\1 is no whole number in digits",
    r"could not convert string to float: (.*)": r"\1 is no number",
    r"Could not find valid parse for arguments: \[(.*)\]": r"\1 cannot be read",
}
"""What is said of a word that cannot be read, and what it means."""


class _UnreadableError(Exception):
    """A word of JSON that is refused, in one sentence; not a ValueError, as the parser of words would reword those."""


def overridden(kind: type[Value], default: Value | None, words: Sequence[str], prog: str) -> Value:
    """Return ``default`` with the typed overrides in ``words``, or a value made of these alone.

    Nested rows are read from one word of JSON. So is a field of ``default`` that holds fields, to be replaced as a
    whole before any of its fields are; and so are worlds inside of a value that has no default.

    Error: ValueError, in one sentence, if a word cannot be read, is missing or unknown, or the value refuses it.
    """
    import tyro
    from tyro import _errors  # no other way past the frames that it draws around what it refuses

    def refuse(event: Any) -> None:
        raise ValueError(_sentence(event, prog, _flags(kind if default is None else default)))

    registry = tyro.constructors.ConstructorRegistry()
    registry.primitive_rule(functools.partial(_from_json, worlds=default is None))
    try:
        if default is not None:
            default, words = _with_wholes(default, words)
        given: dict[str, Any] = {} if default is None else {"default": default}
        with registry, _errors.on_parse_error(refuse):
            return tyro.cli(tyro.conf.AvoidSubcommands[kind], args=list(words), prog=prog, add_help=False, **given)  # type: ignore[valid-type, misc]
    except _UnreadableError as unreadable:
        raise ValueError(str(unreadable)) from unreadable


def _with_wholes(default: Value, words: Sequence[str]) -> tuple[Value, list[str]]:
    """Return the value with each field that holds fields as a word of JSON has it, and the other words."""
    rest: list[str] = []
    left = iter(words)
    for word in left:
        flag, equals, value = word.partition("=")
        found = (each for each in fields.options(default) if each.flag == flag and fields.whole(each.kind))
        option = next(found, None) if flag.startswith("--") else None
        if option is None:
            rest.append(word)
        else:
            value = value if equals else next(left, "")
            default = _replaced(default, flag.removeprefix("--").split("."), _read(value, option.kind, flag))
    return default, rest


def _replaced(value: Any, path: Sequence[str], new: Any) -> Any:
    """Return a value with something new at a path; unchecked, as other words may yet make it fit."""
    if not path:
        return new
    name, *inner = path
    if isinstance(value, tuple):
        at = int(name)
        return (*value[:at], _replaced(value[at], inner, new), *value[at + 1 :])
    changed, name = copy.copy(value), name.replace("-", "_")
    msgspec.structs.force_setattr(changed, name, _replaced(getattr(value, name), inner, new))
    return changed


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
    """Return why a word is no option, and the one that it may have meant."""
    asked = word.split("=")[0]
    near = difflib.get_close_matches(asked, flags, n=1)
    return f"{short(word)}: there is no such option{f' (did you mean {near[0]}?)' if near else ''}; {helped}."


def _flags(value: Any) -> Iterator[str]:
    """Return the options that set the fields of a value or of a kind, and of the values inside."""
    return (option.flag for option in fields.options(value))


def _from_json(info: Any, *, worlds: bool) -> Any:
    """Read a field from one word of JSON where no shell has words for its type."""
    import tyro

    if not fields.is_rows(info.type) and not (worlds and _holds_worlds(info.type)):
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="JSON" if fields.is_rows(info.type) else '{"kind": …}',
        instance_from_str=lambda words: _read(words[0], info.type),
        is_instance=lambda value: value is None or isinstance(value, tuple | Source),
        str_from_instance=lambda value: [msgspec.json.encode(value).decode()],
    )


def _read(word: str, kind: Any, flag: str = "") -> Any:
    """Return the value that a word of JSON holds; the bare name of a variant stands for it as it is made by default."""
    shown, like = f"{flag} {short(word)}".strip(), _example(kind)
    names = fields.kinds(kind)
    if names and word.isidentifier() and word not in names:
        raise _UnreadableError(f"{shown}: there is no such kind; {offered(word, names)}; or JSON, e.g. {like}.")
    text = msgspec.json.encode({"kind": word}) if word in names else word
    try:
        value = msgspec.json.decode(text, type=kind)
        reading.loads(text)
        unknown = ", ".join(unread(msgspec.json.decode(text), msgspec.to_builtins(value)))
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ValueError):  # a world's own refusal
            raise _UnreadableError(f"{shown}: {error.__cause__}") from error
        why = cut(str(error), 160)
        raise _UnreadableError(f"{shown} does not fit ({why}): correct that; e.g. {like}.") from error
    except RecursionError as error:
        raise _UnreadableError(f"{shown}: it is nested too deep; write something like {like}.") from error
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        why = cut(str(error), 160)
        raise _UnreadableError(f"{shown} cannot be read ({why}): JSON is expected here; e.g. {like}.") from error
    except ValueError as error:
        raise _UnreadableError(f"{shown} is ambiguous ({error}): correct that; e.g. {like}.") from error
    if unknown:
        why = cut(unknown, 160)
        raise _UnreadableError(f"{shown} does not fit (unknown fields {why}): leave them out; e.g. {like}.")
    return value


def _example(kind: Any) -> str:
    """Return a word of JSON that a field of this type takes, or that looks like one."""
    if _holds_worlds(kind):
        return '\'{"kind": "iid", "vocabulary": 4}\''
    named = [each for each in fields.whole(kind) if each.__struct_config__.tag is not None]
    needed = {each: [field.name for field in msgspec.structs.fields(each) if field.required] for each in named}
    if named:
        least = min(named, key=lambda each: len(needed[each]))
        return f"'{json.dumps({'kind': least.__struct_config__.tag} | dict.fromkeys(needed[least], 1))}'"
    return "'{\"FIELD\": VALUE}'" if fields.whole(kind) else "'[[0.8, 0.2], [0.3, 0.7]]'"


def _holds_worlds(kind: Any) -> bool:
    """Return whether a type is the union of all worlds, or a tuple of them."""
    if typing.get_origin(kind) is tuple:
        return _holds_worlds(typing.get_args(kind)[0])
    members = fields.members(kind)
    return len(members) > 1 and all(isinstance(each, type) and issubclass(each, Source) for each in members)
