"""The answer in plain words: what the verdicts say of the paper and of the instrument, the strongest first."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from testbed.verdict import span

WORDS = ("supported", "refuted", "undecided", "invalid")
CLOSE = 0.1
"""Share of an interval's width within which the edge of the region is close."""
MOST = 7
"""Claims that are told one by one before the rest is folded."""


class Line(NamedTuple):
    """A claim as the summary tells it: its verdict, its sentence, the numbers, and what to know of the edge."""

    id: str
    word: str
    sentence: str
    numbers: str
    edge: str
    late: bool


class Summary(NamedTuple):
    """Claims of the paper and checks of the instrument: counted in a sentence each, then told, strongest first."""

    paper: str
    instrument: str
    lines: Sequence[Line]
    checked: Sequence[Line]

    @property
    def told(self) -> Sequence[Line]:
        """The claims that are told before the rest is folded."""
        return self.lines[:MOST]

    @property
    def folded(self) -> Sequence[Line]:
        """The claims that are folded."""
        return self.lines[MOST:]

    @property
    def rest(self) -> str:
        """How many are folded, by verdict."""
        found = Counter(line.word for line in self.folded)
        return f"{len(self.folded)} more: {_listed([f'{found[word]} {word}' for word in WORDS if found[word]])}"


def summary(ledger: Sequence[Mapping[str, Any]]) -> Summary:
    """Return the summary of the verdicts, given the fields of each."""
    paper, instrument = (sorted(own, key=_rank) for own in parted(ledger))
    return Summary(
        counted(paper, "claim of the paper", "claims of the paper"),
        counted(instrument, "check of the instrument", "checks of the instrument") if instrument else "",
        [_line(verdict) for verdict in paper],
        [_line(verdict) for verdict in instrument],
    )


def parted(ledger: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the claims of the paper, and the checks of the instrument."""
    instrument = [verdict for verdict in ledger if verdict.get("kind") == "instrument"]
    return [verdict for verdict in ledger if verdict.get("kind") != "instrument"], instrument


def tally(ledger: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return how many claims of the paper have each verdict."""
    found = Counter(verdict["verdict"] for verdict in parted(ledger)[0])
    return [(word, found[word]) for word in WORDS]


def counted(verdicts: Sequence[Mapping[str, Any]], one: str, many: str) -> str:
    """Return a sentence that counts verdicts.

    >>> counted([{"verdict": "refuted", "declared": "before the run"}], "claim", "claims")
    'The one claim is refuted.'
    """
    if not verdicts:
        return f"There are no {many}."
    found = Counter(verdict["verdict"] for verdict in verdicts)
    said = [f"{found[word]} {'is' if found[word] == 1 else 'are'} {word}" for word in WORDS if found[word]]
    whole = f"The one {one} is {verdicts[0]['verdict']}"
    if len(verdicts) > 1:
        all_of = "Both" if len(verdicts) == 2 else f"All {len(verdicts)}"
        together = f"{all_of} {many} are {verdicts[0]['verdict']}"
        whole = together if len(said) == 1 else f"Of {len(verdicts)} {many}, {_listed(said)}"
    late = sum(verdict["declared"] != "before the run" for verdict in verdicts)
    return whole + (f"; {late} {'was' if late == 1 else 'were'} not declared before the run." if late else ".")


def margin(verdict: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Return how far the interval is from the nearest edge of its region, its own end there, and that edge.

    None where nothing was decided, or nothing was measured.
    """
    low, high = _ends(verdict["low"], verdict["high"])
    left, right = _ends(*verdict["region"])
    if verdict["estimate"] is None or verdict["verdict"] not in ("supported", "refuted"):
        return None
    pairs = [(low - left, low, left)] * math.isfinite(left) + [(right - high, high, right)] * math.isfinite(right)
    if verdict["verdict"] == "refuted":
        pairs = [(left - high, high, left)] if high < left else [(low - right, low, right)]
    return min(pairs, key=lambda pair: pair[0])


def edge(verdict: Mapping[str, Any]) -> str:
    """Return what is to be known of the edge of the region: that the interval touches it, nearly, or reaches across."""
    low, high = _ends(verdict["low"], verdict["high"])
    found = margin(verdict)
    if found is None:
        across = [end for end in _ends(*verdict["region"]) if low < end < high]
        if verdict["verdict"] != "undecided" or not across:
            return ""
        return f"The interval reaches across {_listed([_number(end) for end in across])}."
    distance, own, other = found
    if distance > CLOSE * _width(verdict):
        return ""
    if distance == 0:
        return f"Only just: the interval touches the edge {_number(other)}."
    return f"Only just: the interval ends at {_number(own)}, {_number(distance)} from the edge {_number(other)}."


def strength(verdict: Mapping[str, Any]) -> float:
    """Return the distance from the edge in widths of the interval; −∞ where nothing was decided."""
    found = margin(verdict)
    if found is None:
        return -math.inf
    width = _width(verdict)
    return found[0] / width if width else math.inf


def _width(verdict: Mapping[str, Any]) -> float:
    """Return the width of the interval; of one with an endless end, twice the length of its other arm."""
    low, high = _ends(verdict["low"], verdict["high"])
    arms = [abs(verdict["estimate"] - end) for end in (low, high) if math.isfinite(end)]
    return high - low if len(arms) == 2 else 2 * max(arms, default=math.inf)


def _rank(verdict: Mapping[str, Any]) -> tuple[bool, bool, float]:
    word = verdict["verdict"]
    return word == "invalid", word == "undecided", -strength(verdict)


def _line(verdict: Mapping[str, Any]) -> Line:
    numbers = verdict["reason"]
    if verdict["estimate"] is not None:
        measured = f"{_number(verdict['estimate'])} {span(*_ends(verdict['low'], verdict['high']))}"
        region = span(*_ends(*verdict["region"]), strict=verdict.get("strict", False))
        numbers = f"Measured: {measured}; true within {region}."
        numbers += f" {verdict['reason']}" if verdict["verdict"] == "invalid" else ""
    late = verdict["declared"] != "before the run"
    return Line(verdict["id"], verdict["verdict"], verdict["sentence"], numbers, edge(verdict), late)


def _ends(low: float | None, high: float | None) -> tuple[float, float]:
    return -math.inf if low is None else float(low), math.inf if high is None else float(high)


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _listed(words: Sequence[str]) -> str:
    """Return words as an enumeration."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
