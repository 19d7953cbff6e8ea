"""What the claims of a study can decide, told before it runs: finished runs are drawn with a known truth."""

import time
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from testbed.ground.options import Options
from testbed.store import Store, ledger
from testbed.study import Foresight, Planted, Study
from testbed.terminal.console import Console
from testbed.terminal.plan import show_power
from testbed.verdict import Claim, judge
from testbed.verdict.forecast import FEWEST, PLACES, Chances, Forecast, Place

SECONDS = 15.0
"""Time that is spent before a run; claims that no draw has decided yet take longer."""
HELPS = 0.5
"""Chance of the right verdict, inside or outside, from which a knob is said to decide a claim."""


class Remedy(NamedTuple):
    """What decides a claim that the design as it stands does not, at what cost."""

    knob: str
    cost: float
    """Work of the run with it over that without."""
    right: float
    """The greater chance of the right verdict, inside or outside."""


def forecasts(
    study: Study,
    foresight: Foresight,
    claims: Sequence[Claim],
    *,
    simulations: int,
    seconds: float = np.inf,
    places: Sequence[Place] = PLACES,
) -> dict[str, Forecast]:
    """Return what each claim can decide, by its id, from so many simulated runs of each place of the truth.

    The study's own estimators and the rule of verdicts judge them; checks of a run count as passed. After ``seconds``
    only those claims go on of which no draw has earned the right verdict, up to the 40 draws that it takes to call a
    claim one that is never decided.

    Error: a share of N draws has a standard error of √(p(1 − p)/N), at most 0.08 of 40. It is as good as what the draws
    rest on: a guess, or the pilots.
    """
    began = time.monotonic()
    planted = {claim.id: foresight.planted(claim) for claim in claims}
    found = {claim.id: _blank(planted[claim.id], foresight.basis) for claim in claims}
    for draw in range(simulations):
        late = time.monotonic() - began > seconds
        for claim in claims:
            how = planted[claim.id]
            if isinstance(how, str) or (late and (draw >= FEWEST or found[claim.id].right > 0)):
                continue
            asked = [place for place in places if place != "edge" or not late]
            found[claim.id] = _drawn(study, claim, how, found[claim.id], draw, asked)
    return found


def remedy(study: Study, foresight: Foresight, claim: Claim, *, simulations: int) -> Remedy | None:
    """Return the first knob that makes the right verdict of a claim likely; None where none does."""
    for knob, turned in foresight.knobs.items():
        larger = turned()
        found = forecasts(study, larger, [claim], simulations=simulations, places=("inside", "outside"))[claim.id]
        if found.right >= HELPS:
            return Remedy(knob, larger.cost / foresight.cost, found.right)
    return None


def refuse(study: Study, foresight: Foresight, found: Mapping[str, Forecast]) -> None:
    """Refuse the first claim that the design never decides, unless it says that it is exploratory.

    Error: ValueError that names the claim, its chances and what would decide it.
    """
    for claim in study.claims:
        told = found.get(claim.id)
        if told is None or claim.exploratory or not told.never:
            continue
        helps = remedy(study, foresight, claim, simulations=FEWEST // 2)
        turned = f"turn {helps.knob} ({helps.cost:.3g} times the work)" if helps else "no one knob decides it"
        inside, outside = _of(told.inside, "supported"), _of(told.outside, "refuted")
        raise ValueError(
            f"claim {claim.id}: this design never decides it: of simulated runs, {inside} are supported inside its"
            f" region and {outside} refuted outside, by {told.basis}; {turned} (see `testbed power`), or declare it"
            " exploratory=True, or choose others with --claims."
        )


def tell(store: Store, study: Study, options: Options, console: Console, *, gate: bool) -> None:
    """Print and keep what each claim can decide, as far as is known by now; with ``gate``, refuse as `refuse` does."""
    foresight = study.foresight(store) if study.claims and options.simulations else None
    if foresight is None:
        return
    console.say(f"Simulating what {len(study.claims)} claims can decide, by {foresight.basis} …")
    found = forecasts(study, foresight, study.claims, simulations=options.simulations, seconds=SECONDS)
    show_power(console, found)
    if gate:
        refuse(study, foresight, found)
    ledger.foretell(store, study.claims, found)


def _of(chances: Chances | None, word: str) -> str:
    return "none" if chances is None else f"{getattr(chances, word)} of {chances.count}"


def _blank(planted: Planted | str, basis: str) -> Forecast:
    if isinstance(planted, str):
        return Forecast(basis=basis, unplanted=planted)
    inside, edge, outside = (None if value is None else Chances(value=value) for value in planted.places)
    return Forecast(basis=basis, inside=inside, edge=edge, outside=outside)


def _drawn(study: Study, claim: Claim, how: Planted, before: Forecast, draw: int, places: Sequence[Place]) -> Forecast:
    """Return the chances with one more draw of these places."""
    counts: dict[Place, Chances | None] = {}
    for index, place in enumerate(PLACES):
        chances: Chances | None = getattr(before, place)
        if chances is None or place not in places:
            counts[place] = chances
            continue
        rng = np.random.default_rng([study.seed, zlib.crc32(claim.id.encode()), index, draw])
        verdict = judge(claim, study.estimate(claim, how.draw(chances.value, rng)), ())
        why = chances.why or (verdict.reason if verdict.verdict == "invalid" else "")
        more = {verdict.verdict: getattr(chances, verdict.verdict) + 1}
        counts[place] = msgspec.structs.replace(chances, why=why, **more)
    return Forecast(basis=before.basis, inside=counts["inside"], edge=counts["edge"], outside=counts["outside"])
