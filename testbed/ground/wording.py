"""How refusals are worded: any value in a few characters, any refusal in one short sentence."""

import difflib
import re
import reprlib
from collections.abc import Iterable

LONGEST_VALUE, LONGEST_PATH, LONGEST_SENTENCE = 60, 200, 400
"""Characters."""

_SHORTLY = reprlib.Repr()
_SHORTLY.maxstring = _SHORTLY.maxother = _SHORTLY.maxlong = 4 * LONGEST_VALUE


def short(value: object, most: int = LONGEST_VALUE) -> str:
    """Return a value in at most so many characters, on one line, its middle left out where it is longer.

    Text stands as it is; whole numbers beyond 64 bits are given by their size, as their digits are of no use.

    >>> short(10**30), short("t[/]"), short("a" * 100, 12)
    ('about 1e+30', 't[/]', 'aaaaa … aaaa')
    """
    if isinstance(value, int) and value.bit_length() > 64:
        return f"about {_size(value)}"
    text = value if isinstance(value, str) else _repr(value)
    return cut(printable(text), most)


def said(error: BaseException) -> str:
    """Return the name of an exception and what it says, if it can say anything.

    >>> said(KeyError("x"))
    "KeyError: 'x'"
    """
    name = type(error).__name__
    try:
        return f"{name}: {error}".rstrip(": ")
    except Exception:  # its own words may fail
        return name


def cut(text: str, most: int) -> str:
    """Return a text without its middle, where it is longer than this."""
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 3].rstrip()} … {text[-tail:].lstrip()}"


def printable(text: str) -> str:
    """Return a text on one line, with an escape in place of each character that does not print."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in " ".join(text.split()))


def sentence(refusal: object) -> str:
    """Return a refusal as one printable line of at most 400 characters.

    Its beginning says what is refused and its end what to do, and a path must stay whole to be of use: what stands in
    brackets is shortened first, then words that are no path, then the middle is left out.
    """
    text = printable(str(refusal))
    if (excess := len(text) - LONGEST_SENTENCE) > 0:
        reason = max(re.findall(r"\(([^()]*)\)", text), key=len, default="")
        last = max(len(reason) - excess - 2, LONGEST_VALUE)
        text = text.replace(reason, f"… {reason[-last:]}", 1) if len(reason) > last + 2 else text
    if len(text) > LONGEST_SENTENCE:
        text = " ".join(cut(word, LONGEST_PATH) for word in text.split(" "))
    return cut(text, LONGEST_SENTENCE)


def offered(name: str, known: Iterable[str]) -> str:
    """Return what there is in place of an unknown name: the nearest one, and the first of all."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    listed = ", ".join(names)
    if len(listed) > 160:
        listed = f"{listed[:160].rpartition(', ')[0]}, … ({len(names)} in all)"
    return f"{f'did you mean {near[0]}? ' if near else ''}known: {listed}"


def _size(value: int) -> str:
    try:
        return f"{float(value):.2g}"
    except OverflowError:
        return f"{'-' if value < 0 else ''}1e{round((value.bit_length() - 1) * 0.30103)}"


def _repr(value: object) -> str:
    try:
        return _SHORTLY.repr(value)
    except Exception:  # a value that cannot even be shown is named by its type
        return f"a {type(value).__name__}"
