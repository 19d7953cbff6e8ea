"""Tables that carry no information: every named number is a sound estimate or a sentence, and every check sees it."""

import dataclasses

import numpy as np
import pytest

from testbed.cell import PILOTS
from testbed.stats.estimate import Estimate
from testbed.studies.grid import GridStudy
from testbed.studies.grid.checks import checks
from testbed.studies.grid.parts import estimates, loss_parts
from testbed.studies.grid.rates import chosen_rates
from tests.studies.grid.synthetic import World, analysis

ESTIMATES = GridStudy.estimates()

LEVEL = 0.95
SMALL = World(tokens=(4_096, 16_384), replicates=2, sequences=16)


@pytest.fixture(scope="module")
def run():
    return analysis(SMALL)


def with_cells(run, change, *columns, only=lambda cells: ~cells["role"].isin(PILOTS)):
    cells = run.cells.copy()
    chosen = only(cells)
    for column in columns:
        cells.loc[chosen, column] = cells.loc[chosen, column].map(change)
    return dataclasses.replace(run, cells=cells)


def first(cells):
    return (~cells["role"].isin(PILOTS)) & (cells["digest"] == cells["digest"][cells["role"] == "online"].iloc[0])


def one(run, value):
    """One number of one finished cell."""

    def change(k_CB):
        spoilt = np.array(k_CB)
        spoilt[-1, -1] = value
        return spoilt

    return with_cells(run, change, "kl_CB", only=lambda cells: cells["digest"].str.contains("online.*0.003-4096"))


def kept(run, keep):
    return dataclasses.replace(run, cells=run.cells[keep(run.cells)].reset_index(drop=True))


def split(run, **columns):
    return dataclasses.replace(run, ensembles=run.ensembles.assign(**columns))


SPOILT = {
    "K is NaN": lambda run: one(run, np.nan),
    "K is infinite": lambda run: one(run, np.inf),
    "K is 1e300": lambda run: one(run, 1e300),
    "K is zero": lambda run: with_cells(run, lambda k_CB: 0 * k_CB, "kl_CB"),
    "K is one number": lambda run: with_cells(run, lambda k_CB: 0 * k_CB + 1.0, "kl_CB"),
    "K is below zero": lambda run: with_cells(run, lambda k_CB: -k_CB, "kl_CB"),
    "the loss is NaN": lambda run: with_cells(run, lambda ce_CB: np.nan * ce_CB, "ce_CB"),
    "one size": lambda run: kept(run, lambda cells: cells["parameters"] == 1_000),
    "one draw": lambda run: kept(run, lambda cells: cells["draw"] % 1_000 == 0),
    "one D": lambda run: kept(run, lambda cells: (cells["role"] != "stored") | (cells["tokens"] == 4_096)),
    "no stored": lambda run: kept(run, lambda cells: cells["role"] != "stored"),
    "no online": lambda run: kept(run, lambda cells: cells["role"] != "online"),
    "pilots alone": lambda run: kept(run, lambda cells: cells["role"].isin(PILOTS)),
    "no ensembles": lambda run: dataclasses.replace(run, ensembles=run.ensembles.iloc[:0]),
    "a center is NaN": lambda run: split(run, center_jackknife=np.nan),
    "centers without error": lambda run: split(run, center_se=0.0),
    "a center with an endless error": lambda run: split(run, center_se=np.inf),
    "centers at one D": lambda run: split(run, tokens=4_096),
    "a closure is NaN": lambda run: split(run, closure=[np.nan] + [3e-16] * (len(run.ensembles) - 1)),
    "copies": lambda run: with_cells(
        run, lambda seed: seed % 1, "draw", "initialisation", only=lambda cells: cells["role"] == "stored"
    ),
}


def sound(found):
    if isinstance(found, str):
        return 10 < len(found) < 300 and "\n" not in found
    return isinstance(found, Estimate) and np.isfinite(found.value) and found.low <= found.value <= found.high


@pytest.mark.parametrize("name", SPOILT)
def test_every_named_number_is_an_estimate_or_a_sentence(run, name):
    spoilt = SPOILT[name](run)
    for quantity, function in ESTIMATES.items():
        assert sound(function(spoilt, LEVEL)), quantity
    table = estimates(spoilt, level=LEVEL)
    assert np.isfinite(table["value"].to_numpy(float)).all()
    loss_parts(spoilt, level=LEVEL)
    assert all(sound(check.sentence) for check in checks(spoilt, expected=len(spoilt.cells)))


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("K is NaN", "non-negative"),
        ("K is infinite", "non-negative"),
        ("K is below zero", "non-negative"),
        ("the loss is NaN", "measures agree"),
        ("a closure is NaN", "identity closes"),
        ("no ensembles", "identity closes"),
    ],
)
def test_a_number_that_is_none_fails_its_check(run, name, check):
    spoilt = SPOILT[name](run)
    assert not {each.name: each.passed for each in checks(spoilt, expected=len(spoilt.cells))}[check]


def test_a_pilot_that_is_no_number_never_chooses_a_rate(run):
    broken = with_cells(
        run, lambda kl_CB: np.nan * kl_CB, "kl_CB",
        only=lambda cells: (cells["role"].isin(PILOTS)) & (cells["learning_rate"] == 1e-3),
    )  # fmt: skip
    assert chosen_rates(broken.cells) == dict.fromkeys(run.rates, 3e-3)


def test_a_correlation_without_scatter_is_a_sentence():
    sizes = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000)
    exact = analysis(World(sizes=sizes, noise=1e-12, stored_noise=1e-12, spread=1e-12))
    assert "has no scatter" in ESTIMATES["bias_variance_correlation"](exact, LEVEL)
    flat = analysis(World(sizes=sizes, bias_exponent=0.0, noise=1e-12, stored_noise=1e-12, spread=1e-12))
    assert "nothing is left to correlate" in ESTIMATES["bias_variance_correlation"](flat, LEVEL)
