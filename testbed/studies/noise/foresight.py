"""What can be expected of a study of noise before it is observed, claim by claim."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from testbed.store import Store
from testbed.studies.noise import finished
from testbed.studies.noise.analysis import About, NoiseAnalysis
from testbed.studies.noise.asked import Asked
from testbed.studies.noise.guess import Guess
from testbed.studies.noise.planting import LEAST, expected, planters
from testbed.studies.noise.simulated import simulated
from testbed.studies.noise.tables import described
from testbed.study import Foresight, Planted
from testbed.verdict import Claim
from testbed.verdict.forecast import placed

MORE, TWICE = 4, 2
"""Factors by which sequences and draws are raised to see what that would decide."""

Guesses = Mapping[str, Guess]
"""By arm."""


def foresight(study: Asked, store: Store | None, subject: Callable[[Claim], About]) -> Foresight:
    """Return what is expected of a study of noise: laws of theory, and the scatter of a guess or of a run observed."""
    guess = study.guess or Guess()
    guesses: Guesses = {arm.name: guess for arm in study.arms}
    basis = "a guess" if study.guess is None else "the declared guess"
    if store is not None and finished.observed(store):
        guesses, basis = _measured(finished.analysis(study, store), guesses), "the levels observed"
    knobs = {words: functools.partial(_expected, each, basis, guesses, subject) for words, each in _knobs(study)}
    return _expected(study, basis, guesses, subject, knobs)


def _expected(
    study: Asked,
    basis: str,
    guesses: Guesses,
    subject: Callable[[Claim], About],
    knobs: Mapping[str, Callable[[], Foresight]] | None = None,
) -> Foresight:
    return Foresight(basis, functools.partial(_planted, study, guesses, subject), study.work_tokens, knobs or {})


def _planted(study: Asked, guesses: Guesses, subject: Callable[[Claim], About], claim: Claim) -> Planted | str:
    """Return how the number of a claim is planted into the vector that it is about."""
    where = subject(claim)
    arm, guess = next(arm for arm in study.arms if arm.name == where.arm), guesses[where.arm]
    planter = planters(guess).get(claim.quantity)
    if planter is None:
        return f"nothing plants a value of {claim.quantity}."
    told = described(arm)
    curves = expected(study.lengths_of(arm), told, guess)
    if not (where.layer == 1 and where.given == "query"):
        curves = curves._replace(predicted_N=np.full(len(curves.n_N), np.nan))

    def draw(value: float, rng: np.random.Generator) -> NoiseAnalysis:
        return simulated(study, arm, where, told, planter.bent(curves, value), rng)

    return Planted(placed(claim.region, planter.own(told, guess), least=LEAST, domain=planter.domain), draw)


def _measured(seen: NoiseAnalysis, guesses: Guesses) -> Guesses:
    """Return the guesses with the scatter that a run showed."""
    found = {}
    for name, guess in guesses.items():
        rows = seen.levels[(seen.levels["arm"] == name) & (seen.levels["variance"] > 0) & (seen.levels["error"] > 0)]
        if len(rows):
            even = 2 * (rows["variance"] / rows["error"]) ** 2 / rows["sequences"]
            guess = msgspec.structs.replace(guess, dimensions=max(float(even.median()), 0.01))
        refitted = bool(seen.arm(name)["refitted"])
        found[name] = msgspec.structs.replace(guess, retraining=_scatter(rows)) if refitted and len(rows) else guess
    return found


def _scatter(rows: pd.DataFrame) -> float:
    """Return the scatter of log T about a line in log n, of one vector and draw after the other."""
    off: list[float] = []
    for _, own in rows.groupby(["layer", "part", "given", "draw"]):
        if len(own) > 2:
            log_n, log_t = np.log(own["length"].to_numpy(float)), np.log(own["variance"].to_numpy(float))
            rest = log_t - np.polyval(np.polyfit(log_n, log_t, 1), log_n)
            off.append(float(rest @ rest) / (len(own) - 2))
    return min(float(np.sqrt(np.median(off))), 3.0) if off else 0.0


def _knobs(study: Asked) -> list[tuple[str, Asked]]:
    """Return the study with one knob turned up, as far as each may be."""
    replace = msgspec.structs.replace
    turned: dict[str, Callable[[], dict[str, Any]]] = {
        f"sequences, fewest and tokens × {MORE}": lambda: {
            **{name: MORE * getattr(study, name) for name in ("sequences", "fewest", "tokens")},
            "arms": tuple(replace(arm, sequences=arm.sequences and MORE * arm.sequences) for arm in study.arms),
        },
        f"kept × {MORE}": lambda: {"kept": MORE * study.kept},
        f"draws of every arm × {TWICE}": lambda: {
            "arms": tuple(replace(arm, draws=TWICE * arm.draws) for arm in study.arms)
        },
    }
    found = []
    for words, fields in turned.items():
        try:
            found.append((words, msgspec.structs.replace(study, **fields())))
        except ValueError:  # beyond what can be asked for
            continue
    return found
