"""Findings about a table of losses as JSON holds them: an end that is open is null, and its method says so."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from testbed.stats.estimate import Estimate
from testbed.stats.scaling.findings import Findings
from testbed.stats.scaling.forms import Form
from testbed.stats.scaling.isoflop import IsoFlop
from testbed.stats.scaling.law import Law
from testbed.stats.scaling.optimal import Frontier
from testbed.stats.scaling.reading import Read

HIGH = 2.0
"""A cell's leverage over the mean from which it is listed."""


def refused(form: Form, reason: str, read: Read) -> dict[str, Any]:
    """Return the record of a fit that was refused."""
    head: dict[str, Any] = {
        "form": form.name,
        "formula": form.formula,
        "parameters": {},
        "objective": None,
        "status": "refused",
    }
    return head | {"reason": reason, "rows": rows(read)}


def record(found: Findings, read: Read, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return all findings; ``asked`` is what else was asked for: objective, interval, level, seed, resamples."""
    law = found.law
    pinned = {name: {"value": value, "low": value, "high": value, "pinned": True} for name, value in law.pinned.items()}
    parameters = {name: pinned[name] if name in pinned else estimate(law.parameters[name]) for name in law.form.names}
    return {
        "form": law.form.name,
        "formula": law.form.formula,
        "parameters": parameters,
        "objective": law.fitted.objective,
        "status": law.status,
        "reason": f"at an end of its range: {', '.join(law.fitted.at_bound)}" if law.fitted.at_bound else None,
        "asked": dict(asked),
        "rows": rows(read),
        "fit": fit(law),
        "leverage": leverage(found),
        "frontier": frontier(found.frontier),
        "isoflop": isoflop(found.isoflop),
        "compared": compared(found),
        "cautions": list(found.cautions),
    }


def estimate(found: Estimate | str) -> dict[str, Any]:
    """Return an estimate, or the reason why there is none.

    >>> estimate("too few")
    {'reason': 'too few'}
    """
    if isinstance(found, str):
        return {"reason": found}
    ends = {name: finite(getattr(found, name)) for name in ("value", "low", "high")}
    return ends | {"level": found.level, "n": found.n, "method": found.method}


def finite(value: float | None) -> float | None:
    """Return a number, or None for what JSON has no word for.

    >>> finite(1.5), finite(math.inf)
    (1.5, None)
    """
    return value if value is not None and math.isfinite(value) else None


def rows(read: Read) -> dict[str, Any]:
    """Return how many rows were used, and the bad ones by line."""
    bad = [{"line": line, "reason": reason} for line, reason in read.bad.items()]
    cells, used = len(read.table.first_C), len(read.line_N)
    groups = int(read.table.group_N.max()) + 1
    return {"read": used + len(bad), "used": used, "cells": cells, "groups": groups, "bad": bad}


def fit(law: Law) -> dict[str, Any]:
    """Return how the fit ended, and how well the rows tell its parameters apart."""
    return {
        "scatter": law.scatter,
        "lack_of_fit": law.lack_of_fit,
        "without": dict(law.without),
        "pinned_fits": law.pinned_fits,
        "condition": finite(law.design.condition),
        "off_ray": law.design.off_ray,
        "agreeing_starts": law.fitted.agreeing,
        "at_bound": list(law.fitted.at_bound),
        "open": [name for name, each in law.parameters.items() if not math.isfinite(each.low + each.high)],
    }


def leverage(found: Findings) -> dict[str, Any]:
    """Return the cell, or group, that moves a parameter most, and those of high leverage; a group by its first row."""
    table, single, form = found.table, found.leverage, found.law.form
    mean = found.law.asked.free / len(single.hat_U)
    high = np.flatnonzero(single.hat_U > HIGH * mean)

    def unit(at: int) -> dict[str, Any]:
        own = np.flatnonzero(table.unit_N == at)
        first = int(own[0])
        return {
            "params": float(table.params_N[first]),
            "tokens": float(table.tokens_N[first]),
            "cells": len(set(table.cell_N[own].tolist())),
            "leverage": float(single.hat_U[at]),
        }

    worst, place = single.worst
    most = unit(worst) | {
        "parameter": form.names[place],
        "shift": float(single.shift_UQ[worst, place]),
        "without": dict(zip(form.names, (finite(each) for each in single.without_UQ[worst].tolist()), strict=True)),
    }
    return {
        "unit": table.unit,
        "refits": single.refits,
        "mean": mean,
        "most": most,
        "high": [unit(int(at)) for at in high],
    }


def frontier(found: Frontier | str) -> dict[str, Any]:
    """Return the compute-optimal sizes, or why there are none."""
    if isinstance(found, str):
        return {"reason": found}
    points = [
        {"flops": flops, "params": estimate(params), "tokens": estimate(tokens), "loss": estimate(loss)}
        for flops, params, tokens, loss in zip(
            found.flops_K.tolist(), found.params, found.tokens, found.loss, strict=True
        )
    ]
    exponents = {"params": estimate(found.params_exponent), "tokens": estimate(found.tokens_exponent)}
    return {"flops_per_param_token": found.flops_per, "exponents": exponents, "points": points}


def isoflop(found: IsoFlop | str) -> dict[str, Any]:
    """Return the parabolas' least points, or why there are none."""
    if isinstance(found, str):
        return {"reason": found}
    points = [
        {"flops": each.flops, "params": estimate(each.params), "loss": each.loss, "cells": len(each.params_C)}
        for each in found.profiles
    ]
    exponents = {"params": estimate(found.params_exponent), "tokens": estimate(found.tokens_exponent)}
    return {"exponents": exponents, "profiles": points}


def compared(found: Findings) -> list[dict[str, Any]] | dict[str, Any] | None:
    """Return the forms by their errors out of sample; None if none were asked for."""
    if isinstance(found.compared, str):
        return {"reason": found.compared}
    return [
        {
            "form": each.form,
            "folds": finite(each.folds),
            "largest": finite(each.largest),
            "largest_mean": finite(each.largest_mean),
            "behind": estimate(each.behind),
        }
        for each in found.compared
    ] or None
