"""What all pages share: the templates, the way numbers are written, the plotting script."""

import math
from collections import Counter
from typing import Any

from testbed.verdict import span

WORDS = ("supported", "refuted", "undecided", "invalid")
CONFIG = {
    "displayModeBar": False,
    "responsive": True,
    "plotlyServerURL": "",
}


def filled(name: str, page: Any, **parts: Any) -> str:
    """Return the template of a name as HTML: every text escaped, the plotting script inlined once.

    ``page`` has a title, a question, a ledger; ``parts`` are what else the template shows.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    environment = Environment(loader=PackageLoader("testbed.report", "."), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"figure": figure, "exact": exact, "percent": percent}
    environment.globals["interval"] = interval
    counted = Counter(line["verdict"] for line in page.ledger)
    return environment.get_template(name).render(
        page=page,
        script=Markup(get_plotlyjs()),  # the library's own script, not a reader's text
        tally=[(word, counted[word]) for word in WORDS],
        **parts,
    )


def element(drawn: Any) -> Any:
    """Return a plotly figure, or its plain data and layout, as an element of a page without the script it needs."""
    from markupsafe import Markup
    from plotly.io import to_html

    html = to_html(drawn, full_html=False, include_plotlyjs=False, config=CONFIG, validate=False)
    return Markup(html)  # the library's own element: it escapes the data


def figure(value: float | int | None) -> str:
    """Return four significant figures; a dash for none, a sign and ∞ for the infinite.

    >>> figure(0.012345678), figure(None), figure(-math.inf)
    ('0.01235', '–', '−∞')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.4g}".replace("-", "−")


def exact(value: float | int | None) -> str:
    """Return twelve significant figures.

    >>> exact(0.462098120373296), exact(1.5)
    ('0.462098120373', '1.5')
    """
    return figure(value) if value is None or not math.isfinite(value) else f"{value:.12g}".replace("-", "−")


def percent(level: float) -> str:
    """Return a level in percent.

    >>> percent(0.95)
    '95 %'
    """
    return f"{100 * level:.4g} %"


def interval(low: float | int | None, high: float | int | None) -> str:
    """Return an interval, endless where an end is none.

    >>> interval(0.0, None)
    '[0, ∞)'
    """
    return span(-math.inf if low is None else float(low), math.inf if high is None else float(high))
