"""The gallery: every world of the shelf with its picture, its truth, and what it is good for, as one Markdown page."""

import inspect
import itertools
import json
import math
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from testbed.ground import catalog
from testbed.report import render
from testbed.report.portrait import Portrait
from testbed.sources import Absent, Quantity, Source

LENGTH = 64
"""Window of the gallery, in tokens."""

INTRODUCTION = f"""# Gallery of worlds

Every world of the shelf `testbed/sources/`, by one example each. The page and its pictures are written from the code by
`make gallery`: change the code, not the page. Windows have {LENGTH} tokens, entropies are in nats per token;
[science.md](science.md) says what each number is and how it can be wrong.

In each picture, left: sequences, a row each. Middle: h_t, the entropy of token t given those before it, with the
entropy rate and the oracle entropy (bands are intervals). Right: the autocovariance of tokens as one-hot vectors, by
their lag and relative to lag 0: the norm of the matrix, and its trace, negative where symbols avoid themselves.
"""


def exhibits() -> dict[str, Source]:
    """Return the example of each world of the shelf, by name."""
    shelf: dict[str, type[Source]] = catalog.shelf("testbed.sources")
    return {name: kind.exhibit() for name, kind in shelf.items()}


def page(shown: Sequence[Portrait]) -> str:
    """Return the page; the picture of a world is expected in the folder `gallery` beside it."""
    parts = [INTRODUCTION, "\n".join(_summary(shown)), *("\n".join(_section(each)) for each in shown)]
    return "\n".join(f"{part.strip()}\n" for part in parts)


def request(source: Source) -> list[str]:
    """Return the words after `testbed truth` that ask for this world."""
    options = [_option("--" + name.replace("_", "-"), value) for name, value in _told(source).items()]
    return [render.kind(source), *itertools.chain(*options)]


def _told(source: Source) -> dict[str, Any]:
    """Return the fields that are not at their default."""
    fields = {field.name: (getattr(source, field.name), field.default) for field in msgspec.structs.fields(source)}
    return {name: value for name, (value, default) in fields.items() if value != default}


def _brief(value: Any) -> Any:
    """Return a value as plain ones, worlds by their kind and what is not at its default."""
    if isinstance(value, Source):
        return {"kind": render.kind(value)} | {name: _brief(each) for name, each in _told(value).items()}
    return [_brief(each) for each in value] if isinstance(value, tuple) else value


def _option(flag: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, Source) or (isinstance(value, tuple) and not isinstance(value[0], int | float | str)):
        return [flag, json.dumps(_brief(value))]
    return [flag, *map(str, value if isinstance(value, tuple) else [value])]


def _summary(shown: Sequence[Portrait]) -> Iterator[str]:
    """Return the table of all worlds."""
    yield f"| world | symbols | stationary | ε over {LENGTH} | rate | oracle | by | decay of correlations |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in shown:
        name, truth = render.kind(each.source), each.truth
        offered = [found for found in (truth.epsilon, truth.rate, truth.oracle) if isinstance(found, Quantity)]
        methods = ", ".join(dict.fromkeys(found.method for found in offered))
        numbers = [_value(found, most=6) for found in (truth.epsilon, truth.rate, truth.oracle)]
        decay = "not offered" if isinstance(each.mixing, Absent) else render.decay(each.mixing).split(":")[0]
        cells = (f"[{name}](#{name})", each.source.alphabet, "yes" if each.source.stationary else "no", *numbers)
        yield f"| {' | '.join(map(str, (*cells, methods, decay)))} |"


def _section(shown: Portrait) -> Iterator[str]:
    name, truth = render.kind(shown.source), shown.truth
    yield f"## {name}\n"
    yield f"{_first_paragraph(shown.source)}\n"
    yield f"**Good for.** {shown.source.good_for}\n"
    yield f"![{name}: samples, entropy against position, autocovariance against lag](gallery/{name}.svg)\n"
    yield f"```\ntestbed truth {shlex.join(request(shown.source))} --length {truth.length}\n```\n"
    yield "| | nats per token | interval | method | error |"
    yield "|---|---|---|---|---|"
    curve = {f"h_{t}": truth.curve[t - 1] for t in (1, 2, truth.length)}
    for label, found in (curve | {"ε": truth.epsilon, "rate": truth.rate, "oracle": truth.oracle}).items():
        yield f"| {label} | {' | '.join(_cells(found))} |"
    yield f"\nDecay of correlations: {render.decay(shown.mixing)}.\n"
    yield f"Trace of the autocovariance relative to lag 0: {render.memory(shown.memory)}."


def _first_paragraph(source: Source) -> str:
    return " ".join(inspect.cleandoc(type(source).__doc__ or "").split("\n\n")[0].split())


def _cells(found: Quantity | Absent) -> tuple[str, ...]:
    if isinstance(found, Absent):
        return "none", "", found.reason, ""
    digits = _digits(found)
    exact = found.method in ("closed form", "enumeration")
    ends = "exact to rounding" if exact else f"[{found.low:.{digits}f}, {found.high:.{digits}f}]"
    return _value(found), ends, found.method, f"{found.error:.1e}"


def _value(found: Quantity | Absent, *, most: int = 12) -> str:
    return "none" if isinstance(found, Absent) else f"{found.value:.{min(most, _digits(found))}f}"


def _digits(found: Quantity) -> int:
    """Return the decimals that the error leaves, and one more."""
    return 12 if found.error < 1e-12 else max(3, math.ceil(-math.log10(found.error)) + 1)
