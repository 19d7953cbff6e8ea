"""The options that set the fields of a value, as they are listed for people: name, type, default, meaning."""

import ast
import functools
import inspect
import itertools
import json
import sys
import textwrap
import types
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from testbed.verdict import Claim

WIDTH = 80
_ALL_AT_ONCE = (
    'What takes JSON is replaced as a whole by one word, such as \'{"kind": "markov", "vocabulary": 4}\', or by the '
    "name of a kind that needs no more; the options below it set its fields."
)
_WORDS = {int: "INT", float: "FLOAT", str: "STR"}


class Option(NamedTuple):
    """An option of the command line, and the field that it sets."""

    flag: str
    kind: Any
    """Type of the field."""
    default: Any
    """Its value; `msgspec.NODEFAULT` where it must be given."""
    about: str
    folded: bool
    """Whether it sets a field of one of several like values, which a short help leaves out."""

    @property
    def words(self) -> str:
        """What follows the flag."""
        return described(self.kind)


def options(value: Any, before: str = "--", *, folded: bool = False) -> Iterator[Option]:
    """Yield the options that set the fields of a value or of a kind, and of the values inside."""
    docs = _docs(value if isinstance(value, type) else type(value))
    for field in msgspec.structs.fields(value):
        name = f"{before}{field.name.replace('_', '-')}"
        default = _default(field) if isinstance(value, type) else getattr(value, field.name)
        yield Option(name, field.type, default, docs.get(field.name, ""), folded)
        if not isinstance(value, type):
            yield from _inside(name, default, folded)


def whole(kind: Any) -> tuple[Any, ...]:
    """Return the structs that a field of this type holds, alone or in a tuple; none where it holds plain values."""
    if typing.get_origin(kind) is tuple:
        return whole(typing.get_args(kind)[0])
    return tuple(each for each in members(kind) if isinstance(each, type) and issubclass(each, msgspec.Struct))


def kinds(kind: Any) -> list[str]:
    """Return the names by which the variants that a field may hold are known."""
    return [str(each.__struct_config__.tag) for each in whole(kind) if each.__struct_config__.tag is not None]


def members(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    return typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)


def described(kind: Any) -> str:
    """Return the words that a field of this type takes.

    >>> described(int), described(tuple[float, ...]), described(float | None), described(typing.Literal["a", "b"])
    ('INT', 'FLOAT …', 'FLOAT or None', 'a|b')
    """
    if whole(kind) == (Claim,):
        return "ID …"
    if whole(kind) or is_rows(kind):
        return "JSON"
    if typing.get_origin(kind) is typing.Literal:
        return "|".join(map(str, typing.get_args(kind)))
    if typing.get_origin(kind) is tuple:
        return f"{described(typing.get_args(kind)[0])} …"
    several = members(kind)
    if len(several) > 1:
        return " or ".join("None" if each is type(None) else described(each) for each in several)
    return "" if kind is bool else _WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def is_rows(kind: Any) -> bool:
    """Return whether a type is that of rows of numbers, which no shell has words for."""
    return any(
        typing.get_origin(each) is tuple and typing.get_origin(typing.get_args(each)[0]) is tuple
        for each in members(kind)
    )


def show(heading: str, value: Any, whole: bool) -> None:
    """Print the help of all fields of a value or of a kind: all of them, or those of several like values left out."""
    print("\n".join(["", *_wrapped(f"{heading}:", 0, 2), *listing(value, folded=not whole)]))


def listing(value: Any, *, folded: bool) -> Iterator[str]:
    """Yield the lines of the help of all fields; those of several like values are named and left out if `folded`."""
    shown = [option for option in options(value) if not (option.folded and folded)]
    if any(isinstance(option.default, msgspec.Struct) for option in shown):
        yield from _wrapped(_ALL_AT_ONCE, 2, 2)
    for option in shown:
        yield from _listed(option)
    left_out = [option.flag for option in options(value) if option.folded and folded]
    if left_out:
        yield from _wrapped(f"and {len(left_out)} more, as {left_out[0]}: --help-all lists them.", 2, 2)


def _listed(option: Option) -> Iterator[str]:
    flags = option.flag if option.kind is not bool else f"{option.flag}, {_negated(option.flag)}"
    yield from _wrapped(f"{flags} {option.words}".strip() + _told(option), 2, 6)
    yield from _wrapped(option.about, 6, 6)
    if option.default is None and len(held := whole(option.kind)) == 1 and not kinds(option.kind):
        yield from _held(held[0])
    if names := kinds(option.kind):
        yield from _wrapped(f"kinds: {', '.join(names)}", 6, 8)
    if whole(option.kind) == (Claim,) and option.default:
        told = (f"{claim.id!r}" + " (exploratory)" * claim.exploratory for claim in option.default)
        yield from _wrapped(", ".join(told), 6, 6)
    elif isinstance(option.default, tuple) and whole(option.kind):
        for at, each in enumerate(option.default):
            yield from _wrapped(f"{at}  {_named(each)}", 6, 9)


def _held(kind: Any) -> Iterator[str]:
    """Yield what stands in the JSON of a field that is absent, which has no options of its own to say so."""
    for option in options(kind, ""):
        yield from _wrapped(f'"{option.flag.replace("-", "_")}": {option.words}{_told(option)}', 6, 10)
        yield from _wrapped(option.about, 10, 10)


def _inside(name: str, value: Any, folded: bool) -> Iterator[Option]:
    if isinstance(value, msgspec.Struct):
        yield from options(value, f"{name}.", folded=folded)
    elif isinstance(value, tuple):
        for at, each in enumerate(value):
            if isinstance(each, msgspec.Struct):
                yield from options(each, f"{name}.{at}.", folded=True)


def _default(field: Any) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _negated(flag: str) -> str:
    """Return the flag that says no: --grid.no-nested."""
    before, dot, last = flag.removeprefix("--").rpartition(".")
    return f"--{before}{dot}no-{last}"


def _told(option: Option) -> str:
    """Return what an option says of its default."""
    value = option.default
    if value is msgspec.NODEFAULT:
        return "  (required)"
    if isinstance(value, msgspec.Struct):
        return f"  (default: {value.__struct_config__.tag or 'the fields below'})"
    if isinstance(value, tuple) and whole(option.kind):
        return f"  (default: {len(value)} of them)" if value else "  (default: none)"
    if isinstance(value, tuple):
        rows = any(isinstance(each, tuple) for each in value)
        return f"  (default: {json.dumps(value) if rows else ' '.join(map(str, value))})"
    return f"  (default: {value})"


def _named(value: Any) -> str:
    """Return how one of several like values is told from the others."""
    if isinstance(found := getattr(value, "name", None), str):
        return f"{found}: {value.switch}" if hasattr(value, "switch") else found
    return str(getattr(value, "label", value.__struct_config__.tag))


def _wrapped(text: str, first: int, later: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * first, subsequent_indent=" " * later, break_on_hyphens=False)


@functools.cache
def _docs(kind: type) -> dict[str, str]:
    """Return what stands below each field in the source of a class and of those it is made from."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if each.__module__ in sys.modules and issubclass(each, msgspec.Struct) and each is not msgspec.Struct:
            found |= _docs_here(each)
    return found


def _docs_here(kind: type) -> dict[str, str]:
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    except (OSError, TypeError, SyntaxError):  # made without a file to read
        return {}
    pairs = itertools.pairwise(body)
    return {
        field.target.id: " ".join(doc.value.value.split())
        for field, doc in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(doc, ast.Expr) and isinstance(doc.value, ast.Constant) and isinstance(doc.value.value, str)
    }
