"""The tables of a study of noise: what was seen, what theory says, what the assumptions are measured to be."""

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from testbed.ground import keys
from testbed.model.noise.student import Student
from testbed.sources import Absent
from testbed.store import Store
from testbed.studies.noise.arms import Arm
from testbed.studies.noise.asked import Asked, Point
from testbed.studies.noise.measures import rows
from testbed.studies.noise.measures.assumed import assumed
from testbed.studies.noise.points import model_of, parameters, seen
from testbed.studies.noise.predictions.predicted import levels, long_run, setting
from testbed.studies.noise.predictions.stated import stated
from testbed.theory.laws import predicted

PROBED, PROBES = 128, 32
"""Tokens of the windows on which the assumptions are measured, and how many windows."""

TRAINED = ["digest", "parameters", "context", "draw", "learning_rate", "horizon", "status", "sentence", "excess"]


def write(study: Asked, store: Store, *, workers: int) -> None:
    """Leave the tables from which everything is judged; assumptions are measured by so many threads at once."""
    points = {arm.name: [point for point in study.points() if point.arm == arm.name] for arm in study.arms}
    seen_of = {name: [point for point in own if store.has(point.digest)] for name, own in points.items()}
    with ThreadPoolExecutor(workers) as pool:
        assumptions = pool.map(lambda arm: _assumed(study, store, arm, seen_of[arm.name]), study.arms)
        made = _seen(study, store, seen_of)
        made["assumed"] = [row for arm_rows in assumptions for row in arm_rows]
    for name, listed in made.items():
        store.write_frame(f"{name}.parquet", pd.DataFrame(listed))
    arms = [described(arm) | {"limit_nT": _limit(store, arm, seen_of[arm.name])} for arm in study.arms]
    store.write_frame("arms.parquet", pd.DataFrame(arms))
    store.write_frame("trained.parquet", _trained(study, store))


def _seen(study: Asked, store: Store, seen_of: dict[str, list[Point]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of what was seen: the size of the noise beside theory's, its shapes, and the joint tests."""
    made: dict[str, list[dict[str, Any]]] = {"levels": [], "shapes": [], "joint": []}
    for arm in study.arms:
        theory = _theory(store, arm, seen_of[arm.name])
        for point in seen_of[arm.name]:
            named = {"arm": arm.name, "draw": point.draw, "length": point.length}
            found = seen(store, point)
            for row in rows.levels(found):
                told = theory.get((point.draw, point.length, row["layer"], row["part"], row["given"]), np.nan)
                made["levels"].append(named | row | {"predicted": told})
            made["shapes"] += [named | row for row in rows.shapes(found)]
            made["joint"] += [named | row for row in rows.joint(found)]
    return made


def _theory(store: Store, arm: Arm, points: Sequence[Point]) -> dict[tuple[int, int, int, str, str], float]:
    """Return what theory says of T at layer 1 given the query, by draw, length and part."""
    found = {}
    for draw in sorted({point.draw for point in points}):
        for group in _sharing([point for point in points if point.draw == draw]):
            params = parameters(store, group[0])
            if params is None:
                continue
            table = levels(arm.world, model_of(group[0]), arm.weights, params, [p.length for p in group])
            for row in table.itertuples():
                found[draw, int(row.length), 1, str(row.part), "query"] = float(row.predicted)
    return found


def _sharing(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield the points that share their parameters."""

    def told(point: Point) -> str:
        return "" if point.cell is None else point.cell.digest

    for _, group in itertools.groupby(sorted(points, key=told), key=told):
        yield list(group)


def _assumed(study: Asked, store: Store, arm: Arm, points: Sequence[Point]) -> list[dict[str, Any]]:
    """Return the assumptions as measured on the first draw, at the length nearest to the probe's."""
    if not points:
        return []
    point = min(points, key=lambda each: (each.draw, abs(each.length - PROBED)))
    table = assumed(
        model_of(point),
        parameters(store, point) or {},
        arm.world,
        length=min(PROBED, point.length),
        sequences=PROBES,
        key=keys.stream(study.seed, "noise probe"),
    )
    return [{"arm": arm.name} | row for row in table.to_dict("records")]


def _limit(store: Store, arm: Arm, points: Sequence[Point]) -> float:
    """Return the limit of n·T that theory gives an arm with the parameters of its first draw."""
    params = parameters(store, points[0]) if points and not (arm.fit and arm.fit.context is None) else None
    return np.nan if params is None else long_run(arm.world, arm.model, params, arm.part)


def described(arm: Arm) -> dict[str, Any]:
    """Return an arm in words, with the law that theory predicts for it."""
    found = setting(arm.world, arm.model, arm.weights)
    law = None if isinstance(found, Absent) else predicted(found)
    noise = arm.model.embedding_noise
    return {
        "arm": arm.name,
        "assumption": "" if arm.drops == "none" else arm.drops,
        "switch": arm.switch,
        "world": _words(arm.world),
        "model": _words(arm.model),
        "weights": _words(arm.weights) if arm.fit is None else f"trained, {_words(arm.fit)}",
        "predicted_slope": np.nan if law is None or law.slope is None else law.slope,
        "predicted_measure": "variance" if law is None else law.measure,
        "predicted_limit": "unknown" if law is None else law.limit,
        "why": found.reason if isinstance(found, Absent) else predicted(found).why,
        "part": arm.part,
        "refitted": arm.fit is not None and arm.fit.context is None,
        "fourth_moments": not (isinstance(noise, Student) and noise.freedom <= 4),
        **{name: f"{each.status}: {each.reason}" for name, each in stated(arm.world, arm.model).items()},
    }


def _words(value: msgspec.Struct) -> str:
    """Return a value's kind and the fields that are not at rest."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    resting = {f.name: f.default for f in msgspec.structs.fields(value)}
    fields = [f"{name}={plain[name]}" for name in plain if name in resting and getattr(value, name) != resting[name]]
    return f"{type(value).__name__}({', '.join(fields)})"


def _trained(study: Asked, store: Store) -> pd.DataFrame:
    """Return a row for each training run; ``excess`` is its mean divergence from the Bayes predictive at the end."""
    found = [store.row(cell.digest) for cell in study.cells()]
    return pd.DataFrame([row | {"excess": float(np.mean(row["kl_CB"][-1]))} for row in found], columns=TRAINED)
