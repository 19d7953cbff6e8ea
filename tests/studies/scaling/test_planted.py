"""Law: on a surface whose ε is planted, estimates come out right on both sides of their margins, or say why not."""

import dataclasses
import math
import re

import msgspec
import numpy as np
import pandas as pd
import pytest

from testbed.studies.scaling import ScalingStudy
from testbed.studies.scaling.analysis import truthful
from testbed.studies.scaling.simulations import drawn, noise, simulate
from testbed.verdict import Claim, judge
from tests.studies.scaling.planted import ALPHA, BETA, EPSILON, analysis, frame, world

LEVEL = 0.95
ESTIMATES = ScalingStudy.estimates()


def verdict(found, quantity, low, high, about=None):
    claim = Claim(
        id="c", sentence="s", section="t", quantity=quantity, low=low, high=high, level=LEVEL, about=about
    )  # fmt: skip
    return judge(claim, found.study.estimate(claim, found), [])


@pytest.mark.parametrize("interval", ["cells", "seeds", "profile"])
def test_a_free_fit_recovers_the_planted_entropy_and_finds_a_wrong_one_out(interval):
    seen = frame()
    right, off = analysis(seen, world(), interval=interval), analysis(seen, world(epsilon=1.25), interval=interval)
    assert verdict(right, "entropy_error", -0.02, 0.02).verdict == "supported"
    assert verdict(off, "entropy_error", -0.02, 0.02).verdict == "refuted"
    found = ESTIMATES["entropy_error"](right, LEVEL)
    assert found.low < 0 < found.high and abs(found.value) < 0.005


def test_the_error_of_epsilon_itself_widens_the_interval():
    sure, unsure = (ESTIMATES["entropy_error"](analysis(frame(), world(epsilon_error=e)), LEVEL) for e in (0.0, 0.1))
    assert unsure.low == pytest.approx(sure.low - 0.1) and unsure.high == pytest.approx(sure.high + 0.1)


def test_intervals_at_their_level_cover_and_narrow_ones_are_found_out():
    """60 surfaces: at 95 %, fewer than 49 covered come once in 10⁴; the liar's intervals are of level 50 %."""
    honest, liar = (
        analysis(frame(), world(), simulated=True, surfaces=60, interval="profile", level=level)
        for level in (0.95, 0.5)
    )
    found = ESTIMATES["entropy_coverage"](honest, LEVEL)
    assert found.value >= 49 / 60 and found.n == 60
    assert verdict(liar, "entropy_coverage", 0.85, None).verdict == "refuted"


def test_a_refused_simulation_counts_against_and_for():
    made = analysis(frame(), world(), simulated=True, surfaces=30)
    table = made.simulations.copy()
    table.loc[:9, "sentence"] = "no information: none."
    some = ESTIMATES["entropy_coverage"](dataclasses.replace(made, simulations=table), LEVEL)
    all_of_them = ESTIMATES["entropy_coverage"](made, LEVEL)
    assert some.low < all_of_them.low - 0.1 and "10 refused" in some.method
    table["sentence"] = "no information: the planted reason."
    told = ESTIMATES["entropy_coverage"](dataclasses.replace(made, simulations=table), LEVEL)
    assert told == "no information: no simulated surface could be fitted: the planted reason."


def test_a_wrong_entropy_costs_and_the_truth_under_another_name_costs_nothing():
    made = analysis(frame(), world(), wrong=0.1)
    assert verdict(made, "forecast_cost", math.log(2), None, "low").verdict == "supported"
    same = ESTIMATES["forecast_cost"](made, "rate", LEVEL)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    assert verdict(made, "forecast_cost", math.log(2), None, "rate").verdict == "refuted"
    by_data = analysis(frame(), world(), wrong=0.1, held="data")
    assert ESTIMATES["forecast_cost"](by_data, "low", LEVEL).value > math.log(2)
    assert ESTIMATES["forecast_cost"](by_data, "low", LEVEL) != ESTIMATES["forecast_cost"](made, "low", LEVEL)


def test_a_low_entropy_makes_exponents_smaller_and_the_true_ones_are_the_planted():
    made = analysis(frame(), world(), wrong=0.1)
    assert verdict(made, "alpha_shift", None, -0.05, "low").verdict == "supported"
    assert verdict(made, "alpha_shift", None, -0.05, "high").verdict == "refuted"
    for name in ("alpha_shift", "beta_shift"):
        low, same = (ESTIMATES[name](made, about, LEVEL) for about in ("low", "rate"))
        assert low.value < 0 and (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    law = truthful(made.study, made.world, made.table, level=LEVEL)
    assert law.parameters["alpha"].value == pytest.approx(ALPHA, abs=0.02)
    assert law.parameters["beta"].value == pytest.approx(BETA, abs=0.02)


@pytest.mark.parametrize(
    ("losses", "about", "why"),
    [
        (
            frame(sizes=(300, 1000), tokens=(256, 1024)),
            "free",
            "all 2 cells have params 300",
        ),
        (frame(sizes=(1000,)), "free", "all runs have one size"),
        (frame(role="online"), "free", "no run on stored data finished"),
        (frame(), "unigrams", "move no loss by more|moves no loss by more|rose without end|change the losses alike"),
    ],
    ids=["few", "one size", "other data", "above all losses"],
)
def test_what_cannot_be_told_is_a_sentence_and_makes_the_claim_invalid(losses, about, why):
    made = analysis(losses, world())
    found = verdict(made, "forecast_cost", 0.0, None, about)
    assert found.verdict == "invalid"
    assert re.search(why, found.reason), found.reason


def test_a_ray_is_refused_everywhere():
    ray = frame(sizes=tuple(300 * 2**at for at in range(9)), tokens=(256,))
    made = analysis(ray.assign(tokens=20 * ray["parameters"]), world(), simulated=True)
    for quantity, about in (("entropy_error", None), ("entropy_coverage", None), ("beta_shift", "low")):
        found = verdict(made, quantity, 0.0, None, about)
        assert found.verdict == "invalid" and "ray" in found.reason, found.reason
    assert len(made.simulations) == 40


def test_an_unknown_rate_is_told():
    found = verdict(analysis(frame(), world(rate=None)), "beta_shift", 0.0, None, "rate")
    assert found.verdict == "invalid" and "the rate of this world is not known" in found.reason


def test_simulated_surfaces_have_the_noise_of_the_fit():
    """Planted: 0.01 of each run; between cells none. A surface drawn from the fit scatters as the planted one does."""
    made = analysis(frame(noise=0.01), world())
    law = truthful(made.study, made.world, made.table, level=LEVEL)
    between, inside = noise(law, made.table)
    assert math.sqrt(inside) == pytest.approx(0.01, rel=0.3) and between < 0.01**2
    again = drawn(law, made.table, np.random.default_rng(1))
    assert math.sqrt(noise(law, again)[1]) == pytest.approx(0.01, rel=0.4)
    assert not np.array_equal(again.loss_N, made.table.loss_N)


def test_simulations_do_not_hang_on_how_many_there_are():
    asked = (analysis(frame(), world(), surfaces=n, interval="profile").study for n in (20, 25))
    few, many = (simulate(study, world(), frame(), lambda done: None) for study in asked)
    assert few["E"].tolist() == many["E"].tolist()[:20]


def test_the_data_that_is_asked_for_is_fitted():
    both = pd.concat([frame(), frame(seed=1, sizes=(300, 1000, 3000, 9000), role="online")])
    stored, fresh = (analysis(both, world(), data=data).table for data in ("stored", "fresh"))
    assert len(stored.loss_N) == 75 and len(fresh.loss_N) == 60 and fresh.params_N.max() == 9000


def test_epsilon_is_the_planted_one():
    assert analysis(frame(), world()).study.assumed(world()) == {
        "truth": EPSILON, "free": None, "low": EPSILON * 0.95, "high": EPSILON * 1.05, "unigrams": 5.0, "rate": EPSILON
    }  # fmt: skip


def test_wrong_settings_are_refused():
    for wrong, why in (
        ({"wrong": 0.0}, r"wrong=0.0.*a share in \(0, 0.5\]"),
        ({"level": 1.0}, "level 1.0"),
        ({"interval": "profile", "objective": "huber"}, "of squares, not of huber"),
        ({"surfaces": 3}, "surfaces"),
    ):
        with pytest.raises(ValueError, match=why):
            msgspec.structs.replace(ScalingStudy(name="x", question="?"), **wrong)
