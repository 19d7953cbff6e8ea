"""What all pages share: the templates, the way numbers are written, the plotting script."""

import math
from collections.abc import Mapping
from typing import Any

from testbed.report import formulas, plots
from testbed.report.summary import MOST, WORDS, edge, parted, summary, tally
from testbed.verdict import span


def filled(name: str, page: Any, *, folder: str = "testbed.report", **parts: Any) -> str:
    """Return the template of a name as HTML: every text escaped, the plotting script inlined once.

    ``page`` has a title, a question, a ledger, checks; ``folder`` is the package in which the template lies, if it is
    not one that all share; ``parts`` are what else it shows.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    loader = ChoiceLoader([PackageLoader(package, ".") for package in ("testbed.report", folder)])
    environment = Environment(loader=loader, autoescape=_escaped, undefined=StrictUndefined)
    environment.filters |= {
        "figure": figure, "exact": exact, "percent": percent, "typeset": formulas.typeset, "caption": formulas.caption,
        "foreseen": foreseen,
    }  # fmt: skip
    environment.globals |= {"interval": interval, "edge": edge, "most": MOST, "words": WORDS}
    paper, instrument = parted(page.ledger)
    return environment.get_template(name).render(
        page=page,
        script=Markup(plots.script()),  # the library's own script, not a reader's text
        found=summary(page.ledger),
        tally=tally(page.ledger),
        state=state(page.checks),
        paper=paper,
        instrument=instrument,
        anchors_of={line["id"]: f"claim-{number}" for number, line in enumerate(page.ledger, start=1)},
        **parts,
    )


def _escaped(name: str | None) -> bool:
    """Return whether a template is escaped: all but our own script, which shows no text of others."""
    return name is None or not name.endswith(".js")


def state(checks: Any) -> str:
    """Return in a sentence whether the checks of the run passed, naming those that did not or touched an edge.

    >>> state([{"name": "complete", "passed": True}])
    'The one check of the run passed.'
    """
    failed = [check["name"] for check in checks if not check["passed"]]
    touched = [f"{check['name']} ({check['edge']})" for check in checks if check["passed"] and check.get("edge")]
    if failed:
        return f"Of {len(checks)} checks of the run, {len(failed)} failed: {', '.join(failed)}."
    if not checks:
        return "The run was not checked."
    if touched:
        others = f"; the other {len(checks) - len(touched)} passed" if len(touched) < len(checks) else ""
        return f"No check of the run failed, but look at {', '.join(touched)}{others}."
    return "The one check of the run passed." if len(checks) == 1 else f"All {len(checks)} checks of the run passed."


def foreseen(forecast: Mapping[str, Any]) -> str:
    """Return in a sentence what a claim's design could decide, as it was told before the run.

    >>> chances = {"value": 0.1, "supported": 30, "refuted": 0, "undecided": 10, "invalid": 0, "why": ""}
    >>> foreseen({"inside": chances, "edge": None, "outside": None, "basis": "a guess", "unplanted": ""})
    'by a guess, of simulated runs: 75 % supported with the truth at 0.1, inside (of 40).'
    """
    if forecast["unplanted"]:
        return str(forecast["unplanted"])
    words = {"inside": ("supported",), "outside": ("refuted",), "edge": ("supported", "refuted")}
    parts = []
    for place, right in words.items():
        chances = forecast[place]
        count = sum(chances[word] for word in ("supported", "refuted", "undecided", "invalid")) if chances else 0
        if count:
            share, verb = sum(chances[word] for word in right) / count, right[0] if len(right) == 1 else "decided"
            parts.append(
                f"{100 * share:.0f} % {verb} with the truth at {figure(chances['value'])}, {place} (of {count})"
            )
    return f"by {forecast['basis']}, of simulated runs: {'; '.join(parts)}."


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


def interval(low: float | int | None, high: float | int | None, strict: bool = False) -> str:
    """Return an interval, endless where an end is none, without its ends where it is strict.

    >>> interval(0.0, None)
    '[0, ∞)'
    """
    ends = -math.inf if low is None else float(low), math.inf if high is None else float(high)
    return span(*ends, strict=strict)
