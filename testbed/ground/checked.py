"""Values that are asked for: whoever makes one, in Python or from JSON, each field is of the type it declares."""

import abc
import functools
import math
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from testbed.ground.wording import short

_WORDS: dict[Any, tuple[str, str]] = {
    int: ("a whole number", "4"),
    float: ("a number", "0.5"),
    str: ("text", "'name'"),
    bool: ("True or False", "True"),
    type(None): ("None", "None"),
}
"""What a type is called, and an example of it."""


class _Meta(msgspec.StructMeta, abc.ABCMeta):
    """Puts the check of types before the rules of a class, and behind them that its numbers are finite."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        rules = namespace.get("__post_init__")
        if rules is not None:

            @functools.wraps(rules)
            def checked(self: Any) -> None:
                conform(self)
                rules(self)
                if type(self).__post_init__ is checked:
                    refuse_endless(self)

            namespace["__post_init__"] = checked
        return super().__new__(cls, name, bases, namespace, **options)


class Checked(msgspec.Struct, frozen=True, kw_only=True, metaclass=_Meta):
    """A frozen struct whose fields are checked when it is made: their types first, then the rules of its class.

    Fields hold what JSON can hold, so that a saved value is the value: numbers are finite, whole numbers fit 64 bits,
    text is Unicode. A list becomes the tuple that is declared, a dict the struct, a whole number the float, a
    number of numpy that of Python; nothing else is converted.
    """

    def __post_init__(self) -> None:
        """Refuse nothing but what no field may hold."""


_NESTED = (Checked, np.generic, list, tuple)
_UNFIT = (msgspec.ValidationError, ValueError, OverflowError, TypeError)


def conform(value: msgspec.Struct) -> None:
    """Give each field the type it declares where that loses nothing.

    Error: ValueError that names the field, what it holds and what it takes.
    """
    for field in _fields(type(value)):
        given = getattr(value, field.name)
        try:
            taken = _taken(given, field.type)
        except _UNFIT as error:
            if isinstance(error.__cause__, ValueError):  # the rule of a value inside
                raise error.__cause__ from None
            raise ValueError(_refusal(field, given, str(error).rpartition("$")[2])) from None
        for each in _leaves(taken):
            _refuse_unwritable(field, each)
        if taken is not given:
            msgspec.structs.force_setattr(value, field.name, taken)


def _taken(given: Any, kind: Any) -> Any:
    """Return a value as its type has it.

    Error: one of `_UNFIT`, which names the entry that does not fit as $[0][1].
    """
    if kind in (object, Any) or _akin(given, kind):
        return given
    entry = _entry(kind)
    if entry is not None and isinstance(given, list | tuple) and any(isinstance(each, _NESTED) for each in given):
        return tuple(_within(at, each, entry) for at, each in enumerate(given))
    return msgspec.convert(_plain(given), kind)


def _within(at: int, given: Any, kind: Any) -> Any:
    try:
        return _taken(given, kind)
    except _UNFIT as error:
        raise msgspec.ValidationError(f"$[{at}]{str(error).rpartition('$')[2]}") from error.__cause__


def _akin(given: Any, kind: Any) -> bool:
    """Return whether a value is of a shelf's kind though not on it, as what one tries out in Python may be."""
    if not isinstance(given, Checked):
        return False
    bases = {base for each in (kind, *typing.get_args(kind)) for base in getattr(each, "__bases__", ())}
    return isinstance(given, tuple(base for base in bases if base is not Checked and issubclass(base, Checked)))


def _plain(given: Any) -> Any:
    """Return a value as msgspec may see it: of other objects it takes what it can get.

    Error: TypeError for an object that is none of JSON's, nor a struct.
    """
    found = given.item() if isinstance(given, np.generic) else given
    if isinstance(found, int | float | str | list | tuple | dict | msgspec.Struct | None):
        return found
    raise TypeError


def refuse_endless(value: msgspec.Struct) -> None:
    """Refuse a number that is infinite or none, which JSON could not tell from an absent one."""
    for field in _fields(type(value)):
        for each in _leaves(getattr(value, field.name)):
            if isinstance(each, float) and not math.isfinite(each):
                raise ValueError(f"{field.name}={each}: it must be a finite number; e.g. {field.name}=0.5.")


def check_name(field: str, name: str) -> None:
    """Refuse a name that is empty, too long for a table or a file, or does not print."""
    if not name.strip():
        raise ValueError(f"{field}={name!r}: it must not be empty; e.g. 'markov'.")
    if len(name) > 80 or not name.isprintable():
        raise ValueError(f"{field}={short(name)}: it must be at most 80 printable characters; e.g. 'markov'.")


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _refuse_unwritable(field: msgspec.structs.FieldInfo, value: Any) -> None:
    """Refuse what JSON cannot hold."""
    name = field.name
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        remedy = _example(field, _described(field.type)[1])
        raise ValueError(f"{name}={short(value)}: a whole number has at most 64 bits here; e.g. {name}={remedy}.")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name}={short(value)}: it must be Unicode text; write other characters.") from None


def _refusal(field: msgspec.structs.FieldInfo, given: Any, where: str) -> str:
    """Return what is wrong with the entry of a field that msgspec names as $[0][1]."""
    name, kind = field.name, field.type
    for index in map(int, re.findall(r"\[(\d+)\]", where)):
        name, kind, given = f"{name}[{index}]", _entry(kind), given[index]
    words, remedy = _described(kind)
    if isinstance(given, np.ndarray):
        remedy = "give its .tolist()"
    elif isinstance(given, float | np.floating) and "whole number" in words and math.isfinite(given):
        remedy = f"round it, e.g. {name}={round(given)}"
    elif remedy:
        remedy = f"e.g. {name}={_example(field, remedy) if name == field.name else remedy}"
    else:
        remedy = "choose one of them"
    of_type = "" if isinstance(given, str | float) else f", of type {type(given).__name__}"
    shown = repr(short(given)) if isinstance(given, str) else short(given)
    return f"{name}={shown}{of_type}: it must be {words}; {remedy}."


def _example(field: msgspec.structs.FieldInfo, example: str) -> str:
    """Return the default, where there is one, or an example of the type."""
    return example if field.default is msgspec.NODEFAULT or field.default is None else short(field.default)


def _entry(kind: Any) -> Any:
    """Return the type of the entries of a tuple, where a union may leave it out; None for what is no tuple."""
    members = (kind,) if typing.get_origin(kind) is tuple else typing.get_args(kind)
    return next((typing.get_args(each)[0] for each in members if typing.get_origin(each) is tuple), None)


def _described(kind: Any) -> tuple[str, str]:
    """Return what a type is called, and an example, or nothing where the name says it."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if kind in _WORDS:
        return _WORDS[kind]
    if origin is typing.Literal:
        return f"one of {', '.join(map(repr, inside))}", ""
    if origin is tuple:
        words, example = _described(inside[0])
        return f"({words}, …)", f"({example},)"
    if origin in (typing.Union, types.UnionType):
        members = [_described(each) for each in inside]
        first = [words for words, _ in members[:4]]
        return " or ".join([*first, "another of its shelf"] if len(members) > 4 else first), members[0][1]
    return f"{getattr(kind, '__name__', kind)}(…)", f"{getattr(kind, '__name__', kind)}(…)"
