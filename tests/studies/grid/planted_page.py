"""A page of planted numbers, some of them hostile."""

import dataclasses

import msgspec
import numpy as np
import pandas as pd

from testbed.studies.grid import GridStudy, references
from testbed.studies.grid.checks import checks
from testbed.studies.grid.compute import compute
from testbed.studies.grid.measures import positions
from testbed.studies.grid.page.shown import Page
from testbed.studies.grid.parts import constants, curves, estimates, loss_parts
from testbed.verdict import Check, Claim, judge
from tests.studies.grid.synthetic import World, analysis

ESTIMATES = GridStudy.estimates()

LEVEL = 0.95
HOSTILE = "<img src=x onerror=alert(1)>"
REFERENCES = pd.DataFrame(
    [
        ("{}", "KT, order 0", np.array([0.3, 0.5]), np.array([0.5, 0.4, 0.3]), np.full(3, 0.1)),
        ("{}", "context tree, depth 3", np.array([0.3, 0.49]), np.array([0.6, 0.3, 0.285]), np.full(3, 0.1)),
    ],
    columns=references.COLUMNS,
)
SEEN = pd.DataFrame(
    [(p, "online", t, 0.1 / t, 0.01, 1.0 / t) for p in World().sizes for t in (1, 2, 3)],
    columns=["parameters", "role", "t", "K", "K_se", "h"],
)


KNOWN = {"value": 0.462098120373296, "low": 0.4, "high": 0.5, "error": 0.0, "method": "closed form"}


def page():
    run = analysis(World())
    found = checks(run, expected=len(run.cells))
    ledger = []
    for name, low, high in (
        ("variance_exponent", 0.9, 1.1),
        ("optimisation_residue", None, 0.01),
        ("bias_step", None, 0.0),
    ):
        claim = Claim(
            id=name, sentence=f"{name} {HOSTILE}", section="§4", quantity=name, low=low, high=high, level=LEVEL
        )
        ledger.append(msgspec.json.decode(msgspec.json.encode(judge(claim, ESTIMATES[name](run, LEVEL), found))))
    failed = Check(name="planted", passed=False, sentence="A planted failure.")
    return Page(
        title="A world " + HOSTILE,
        question="Is it so?",
        ledger=ledger,
        checks=[msgspec.to_builtins(check) for check in (*found, failed)],
        estimates=estimates(run, level=LEVEL),
        parts=loss_parts(run, level=LEVEL),
        curves=curves(run),
        compute=compute(run, level=LEVEL),
        constants=constants(run, level=LEVEL),
        figures=list(
            positions.Positions.figures(dataclasses.replace(run, measured={"positions": SEEN}, references=REFERENCES))
        ),
        references=references.lines(REFERENCES, level=LEVEL),
        truth=[KNOWN | {"name": f"h_{t}"} for t in range(9)],
        dropped={"diverged": 3, "never used": 0},
        spec='{"world": "' + HOSTILE + '"}',
        provenance={"jax": "0.10"},
    )
