"""Formulas as MathML, which browsers set without a script, from a notation that is read as it stands."""

import re
from typing import Any

_TOKEN = re.compile(r"\s+|(?:frac|bar)(?=\{)|[A-Za-z]+|[0-9]+(?:\.[0-9]+)?|.", re.DOTALL)
_SCRIPTS = re.compile(
    r"(?<![^\W_])([^\W\d_])"  # a letter on its own
    r"(?:_([^\W_]+|∞))?"  # what stands below it
    r"(?:\^(\{[^{}]+\}|[−+]?(?:[^\W_]+(?:/[^\W_]+)?)))?"  # and above
    r"(\([A-Za-z](?:, ?[A-Za-z])*\))?"  # and what it is a function of
)
_MARKED = re.compile(r"\$([^$]+)\$")
_WORD = re.compile(r"<mi>[^<]{2,}</mi>$")
_SPACE = '<mspace width="0.3em"></mspace>'
"""Between the name of a function, such as log, and a letter that it is of."""
_IDENTIFIER = re.compile(r"[^\W\d_]+")


def formula(text: str) -> Any:
    """Return a formula as an element ``math``: ``_`` and ``^`` for scripts, ``{}`` groups, ``frac{a}{b}``, ``bar{p}``.

    >>> str(formula("C_P"))
    '<math><mrow><msub><mi>C</mi><mi>P</mi></msub></mrow></math>'
    """
    from markupsafe import Markup

    tokens = [token for token in _TOKEN.findall(text) if not token.isspace()][::-1]
    return Markup(f"<math>{_row(tokens)}</math>")  # every token has been escaped


def typeset(text: str) -> Any:
    """Return escaped text in which Greek letters, and others with scripts or arguments, are set: n^−½, c_∞, B(P).

    >>> str(typeset("<b> of c_∞, not my_name"))
    '&lt;b&gt; of <math><mrow><msub><mi>c</mi><mi>∞</mi></msub></mrow></math>, not my_name'
    """
    from markupsafe import Markup, escape

    said, place = Markup(""), 0
    for found in _SCRIPTS.finditer(text):
        greek = "α" <= found[1] <= "ω" or found[1] in "ΩΓΔΣΠΦΨ"
        if not greek and found[2] is None and found[3] is None and found[4] is None:
            continue
        said += escape(text[place : found.start()]) + formula(_grouped(found))
        place = found.end()
    return said + escape(text[place:])


def caption(text: str) -> Any:
    """Return our own text with formulas between dollar signs; what stands outside is typeset."""
    from markupsafe import Markup

    pieces = _MARKED.split(text)
    return Markup("").join(formula(piece) if number % 2 else typeset(piece) for number, piece in enumerate(pieces))


def spoken(text: str) -> str:
    """Return a text with formulas as plain words, for those who hear it: without the signs of the notation.

    >>> spoken("falls as $n^{−½}$")
    'falls as n^−½'
    """
    return re.sub(r"[${}]", "", text)


def _grouped(found: re.Match[str]) -> str:
    below, above = found[2], found[3]
    scripts = (f"_{{{below}}}" if below else "") + (f"^{{{above.strip('{}')}}}" if above else "")
    return found[1] + scripts + (found[4] or "")


def _row(tokens: list[str]) -> str:
    """Return the row of tokens, the next one last, up to the end of a group."""
    made: list[str] = []
    while tokens and tokens[-1] != "}":
        item = _scripted(tokens)
        made += [_SPACE] if made and _WORD.search(made[-1]) and item.startswith(("<mi>", "<ms")) else []
        made.append(item)
    return f"<mrow>{''.join(made)}</mrow>"


def _scripted(tokens: list[str]) -> str:
    """Return one item with what stands below and above it."""
    base, scripts = _item(tokens), {}
    while tokens and tokens[-1] in ("_", "^"):
        sign = tokens.pop()
        scripts[sign] = _item(tokens)
    if len(scripts) == 2:
        return f"<msubsup>{base}{scripts['_']}{scripts['^']}</msubsup>"
    for sign, script in scripts.items():
        kind = "msub" if sign == "_" else "msup"
        return f"<{kind}>{base}{script}</{kind}>"
    return base


def _item(tokens: list[str]) -> str:
    """Return the next group, fraction, letter, number or sign."""
    from markupsafe import escape

    token = tokens.pop() if tokens else ""
    if token == "{":
        inside = _row(tokens)
        if tokens:
            tokens.pop()
        return _single(inside)
    if token == "frac" and tokens:
        return f"<mfrac>{_item(tokens)}{_item(tokens)}</mfrac>"
    if token == "bar" and tokens:
        return f'<mover accent="true">{_item(tokens)}<mo>¯</mo></mover>'
    if token == "½":  # too small to be read as an exponent
        return "<mn>1/2</mn>"
    if token == "/":
        return '<mo lspace="0" rspace="0">/</mo>'
    kind = "mi" if _IDENTIFIER.fullmatch(token) or token == "∞" else "mn" if token[:1].isnumeric() else "mo"
    return f"<{kind}>{escape(token)}</{kind}>"


def _single(row: str) -> str:
    """Return a row of one item without the row."""
    inside = row.removeprefix("<mrow>").removesuffix("</mrow>")
    return inside if re.fullmatch(r"<(m[ino])>[^<]*</\1>", inside) else row
