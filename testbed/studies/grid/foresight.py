"""What can be expected of a grid before it has run, claim by claim."""

import functools
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from testbed.model.size import size
from testbed.store import Store
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.asked import Asked
from testbed.studies.grid.planting import PLANTERS
from testbed.studies.grid.simulated import simulated
from testbed.studies.grid.surface import Surface, surface
from testbed.study import Foresight, Planted
from testbed.verdict import Claim
from testbed.verdict.forecast import placed

LONGER, WIDER, MORE = 4, 4, 2
"""Factors by which horizon, evaluation windows and replicates are raised to see what that would decide."""


def foresight(study: Asked, store: Store | None) -> Foresight:
    """Return what is expected of a grid, from its pilots once all of them have run, or from a guess."""
    seen = surface(study, store)
    return _expected(study, seen, {words: functools.partial(_expected, each, seen) for words, each in _knobs(study)})


def _expected(study: Asked, seen: Surface, knobs: dict[str, Callable[[], Foresight]] | None = None) -> Foresight:
    """Return what is expected of a study whose losses lie on a surface, carried on to its horizons and sizes."""
    own = seen.at(study.training.horizons)
    for model in study.models[len(own.sizes) :]:
        own = own.larger(size(model).parameters)
    return Foresight(seen.basis, functools.partial(planted, study, own), study.work_flops, knobs or {})


def planted(study: Asked, seen: Surface, claim: Claim) -> Planted | str:
    """Return how the number of a claim is planted into the surface."""
    planter = PLANTERS.get(claim.quantity)
    if planter is None:
        return f"nothing plants a value of {claim.quantity}."
    for what, found, needed in (("sizes", seen.sizes, planter.sizes), ("stored D", seen.tokens, planter.tokens)):
        if len(found) < needed:
            return f"{claim.quantity} needs {needed} {what}, and the grid has {len(found)}."

    if planter.falls and seen.falls is None:
        return f"{claim.quantity} needs a reference that counts single tokens, on a level between Bayes and uniform."

    def draw(value: float, rng: np.random.Generator) -> Analysis:
        return simulated(study, planter.bent(seen, value), rng)

    own = min(max(planter.true(seen), planter.domain[0]), planter.domain[1])
    return Planted(placed(claim.region, own, least=planter.least(seen), domain=planter.domain), draw)


def _knobs(study: Asked) -> list[tuple[str, Asked]]:
    """Return the study with one knob turned up, as far as each may be."""
    grid, training, evaluation = study.grid, study.training, study.evaluation
    turned: dict[str, Callable[[], dict[str, Any]]] = {
        f"evaluation.sequences × {WIDER}": lambda: {
            "evaluation": msgspec.structs.replace(evaluation, sequences=WIDER * evaluation.sequences)
        },
        f"grid.replicates × {MORE}": lambda: {"grid": msgspec.structs.replace(grid, replicates=MORE * grid.replicates)},
        f"training.steps × {LONGER}": lambda: {
            "training": msgspec.structs.replace(training, steps=LONGER * training.steps)
        },
    }
    if len(grid.multiples) > 1:
        more = _next(grid.multiples)
        larger = msgspec.structs.replace(grid, multiples=(*grid.multiples, more))
        turned[f"grid.multiples + {more}"] = lambda: {"grid": larger, "guess": None}  # whose B has no value for it
    found = []
    for words, fields in turned.items():
        try:
            found.append((words, msgspec.structs.replace(study, **fields())))
        except ValueError:  # beyond what can be asked for
            continue
    return found


def _next(multiples: tuple[int, ...]) -> int:
    """Return the multiple that goes on in the ratio of the last two.

    >>> _next((1, 2, 4)), _next((1, 2, 3))
    (8, 4)
    """
    before, last = multiples[-2:]
    return max(last * last // before, last + 1)
