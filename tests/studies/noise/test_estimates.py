"""The numbers that claims are about, on tables with planted laws: right values, coverage, and sentences for none."""

import numpy as np
import pandas as pd
import pytest

from testbed.stats.decay import decay_slope
from testbed.stats.distance import null_mean, null_quantile
from testbed.studies.noise.analysis import About, NoiseAnalysis, about
from testbed.studies.noise.estimates import ESTIMATES
from testbed.studies.noise.fits import COLUMNS, fits

N = np.array([64, 128, 256, 512, 1024, 2048])
WHERE = about("arm")
LEVEL = 0.95


def planted(
    rng, law, *, predicted=None, noise=0.03, draws=1, refitted=False, slope=-1.0, measure="variance", distance=0.1
):
    """The tables of one arm whose T(n) is a given law, measured with relative errors."""
    rows, shapes = [], []
    for draw in range(draws):
        for n in N:
            true = law(n) * (1 + draw)
            value = true * (1 + noise * rng.standard_normal())
            told = np.nan if predicted is None else predicted(n) * (1 + draw)
            rows.append((draw, n, 1000, value, noise * true, told))
            d = (null_mean(4000) ** 1.4 + (distance * (n / 64) ** -0.5) ** 1.4) ** (1 / 1.4)
            d += 0.002 * rng.standard_normal()
            shapes.append(
                (
                    draw,
                    n,
                    d,
                    0.004,
                    4000,
                    null_mean(4000),
                    null_quantile(0.95, 4000),
                    value**0.5,
                    0.5 * noise * true**0.5,
                )
            )
    key = {"arm": "arm", "layer": 1, "part": "attention", "given": "query"}
    names = ["draw", "length", "sequences", "variance", "error", "predicted"]
    levels = pd.DataFrame(rows, columns=names).assign(**key, effective=1.0)
    names = ["draw", "length", "distance", "distance_error", "count", "floor", "floor_95", "iqr", "iqr_error"]
    told = pd.DataFrame(shapes, columns=names)
    shaped = pd.concat([told.assign(**key, direction=name) for name in ("random 1", "principal 1")])
    arm = {"arm": "arm", "predicted_slope": slope, "predicted_measure": measure, "why": "it is planted"}
    arms = pd.DataFrame([arm | {"part": "attention", "refitted": refitted, "fourth_moments": True}])
    none = pd.DataFrame()
    return NoiseAnalysis(arms, levels, shaped, none, none, none, expected=len(rows), planned=0)


def estimate(name, analysis, where=WHERE, level=LEVEL):
    return ESTIMATES[f"noise_{name}"](analysis, where, level)


def coverage(name, truth, make, simulations=300):
    rng = np.random.default_rng(0)
    found = [estimate(name, make(rng)) for _ in range(simulations)]
    return np.mean([each.low <= truth <= each.high for each in found])


def inverse(n):
    return 3.0 / n


@pytest.mark.parametrize("draws", [1, 3])
def test_the_slope_is_found_and_covered_over_draws(draws):
    covered = coverage("slope", -1.0, lambda rng: planted(rng, inverse, draws=draws))
    assert 0.91 < covered < 0.985


def test_curves_of_several_draws_taken_for_one_are_caught():
    """The liar forgets that draws have constants of their own: lack of fit shows, and the slope is noisier."""
    analysis = planted(np.random.default_rng(1), inverse, draws=3)
    apart = estimate("slope", analysis)
    lumped = NoiseAnalysis(**vars(analysis) | {"levels": analysis.levels.assign(draw=0)})
    mixed = estimate("slope", lumped)
    assert "p = 0" in mixed.method or float(mixed.method.split("p = ")[1]) < 1e-6
    assert float(apart.method.split("p = ")[1]) > 1e-3


def test_models_trained_at_each_length_have_the_error_of_their_spread():
    rng = np.random.default_rng(2)
    covered = coverage("slope", -1.0, lambda rng: planted(rng, inverse, draws=4, refitted=True))
    assert 0.91 < covered < 0.985

    def shaken(n):
        return inverse(n) * np.exp(0.4 * rng.standard_normal())  # trainings differ by more than sequences tell

    covered = coverage("slope", -1.0, lambda rng: planted(rng, shaken, draws=4, refitted=True))
    assert 0.91 < covered < 0.985
    apart = estimate("slope", planted(rng, shaken, draws=4, refitted=True))
    assert apart.n == 4 and apart.high - apart.low > 0.1  # and not the few hundredths of 1000 sequences
    assert "have no error from one draw" in estimate("slope", planted(rng, inverse, refitted=True))


def test_a_bend_is_not_taken_for_precision():
    """Where no one power fits, the interval is that of the scatter: the errors alone would be sure of a wrong slope."""

    def bent(n):
        return inverse(n) * (1.3 if n in (64, 2048) else 1.0)

    found = estimate("slope", planted(np.random.default_rng(12), bent, noise=0.003))
    assert found.low < -1.0 < found.high and found.high - found.low > 0.15
    assert "the scatter about the line widens the interval" in found.method
    straight = estimate("slope", planted(np.random.default_rng(12), inverse, noise=0.003))
    assert straight.high - straight.low < 0.02 and "widens" not in straight.method


def test_a_slope_through_scatter_is_covered_and_by_the_errors_alone_is_not():
    """Every length has a constant of its own, as under learned positions: the errors over sequences do not know it."""

    def scattered(rng):
        return planted(rng, lambda n: inverse(n) * np.exp(0.1 * rng.standard_normal()), noise=0.01)

    assert 0.9 < coverage("slope", -1.0, scattered, simulations=200) < 0.99

    def sure(rng):
        curve = scattered(rng).curve(WHERE)
        return decay_slope(*curve[:4], level=LEVEL).slope

    rng = np.random.default_rng(0)
    assert np.mean([abs(found.value + 1) <= found.high - found.value for found in map(sure, [rng] * 100)]) < 0.5


def test_a_slope_departs_from_what_theory_says_of_these_lengths():
    """Near a plateau the limit is a slope of 0, and a world that obeys theory to the digit has another one."""

    def settles(n):
        return 0.5 + 10.0 / n

    obeys = planted(np.random.default_rng(13), settles, predicted=settles, slope=0.0, noise=0.01)
    found = estimate("slope_departure", obeys)
    assert found.low < 0 < found.high and found.high - found.low < 0.05
    assert estimate("slope", obeys).value < -0.05
    off = planted(np.random.default_rng(13), lambda n: settles(n) * n**-0.1, predicted=settles, slope=0.0, noise=0.01)
    assert estimate("slope_departure", off).high < -0.05


def test_a_ratio_to_theory_is_covered_and_a_wrong_constant_found():
    covered = coverage("constant", 1.0, lambda rng: planted(rng, inverse, predicted=inverse))
    assert 0.91 < covered < 0.985
    off = estimate("constant", planted(np.random.default_rng(3), inverse, predicted=lambda n: 1.2 * inverse(n)))
    assert off.high < 0.9 and off.low < 1 / 1.2 < off.high


def test_the_largest_departure_counts_every_length():
    def bent(n):
        return inverse(n) * (1.5 if n == 256 else 1.0)

    found = estimate("departure", planted(np.random.default_rng(4), inverse, predicted=bent))
    assert found.low < 1 / 3 < found.high and found.low > 0.2
    held = coverage("departure", 0.0, lambda rng: planted(rng, inverse, predicted=inverse))
    assert held > 0.91


def test_departures_from_the_predicted_slope_are_of_the_predicted_measure():
    heavy = planted(np.random.default_rng(5), inverse, slope=-0.5, measure="interquartile range")
    found = estimate("slope_departure", heavy)
    assert found.low < 0 < found.high and abs(found.value) < 0.1
    none = planted(np.random.default_rng(5), inverse, slope=np.nan)
    assert estimate("slope_departure", none) == "no power law is predicted for arm: it is planted."


def test_a_plateau_keeps_its_share_and_a_decay_none():
    stays = estimate("plateau_share", planted(np.random.default_rng(6), lambda n: 0.5 + 32.0 / n))
    gone = estimate("plateau_share", planted(np.random.default_rng(6), inverse))
    assert stays.low > 0.3 and stays.low < 0.5 < stays.high and gone.low == 0.0 and gone.high < 0.05


def test_the_last_slope_sees_the_end_alone():
    found = estimate("last_slope", planted(np.random.default_rng(7), lambda n: 1.0 / min(n, 1024), noise=0.001))
    assert found.low < 0 < found.high and abs(found.value) < 0.02
    ratio = estimate("last_ratio", planted(np.random.default_rng(7), inverse, predicted=lambda n: 3.0 / min(n, 1024)))
    assert ratio.low < 0.5 < ratio.high


def test_distances_are_those_of_the_longest_length_and_their_rate():
    analysis = planted(np.random.default_rng(8), inverse)
    last = estimate("normal_distance", analysis)
    assert last.low < 0.1 * 32**-0.5 < last.high and "largest of 2" in last.method
    rate = estimate("distance_exponent", analysis)
    assert rate.low < 0.5 < rate.high


@pytest.mark.parametrize("name", [name.removeprefix("noise_") for name in ESTIMATES])
def test_what_was_not_observed_is_a_sentence(name):
    analysis = planted(np.random.default_rng(9), inverse, predicted=inverse)
    assert isinstance(estimate(name, analysis, About("arm", 2, "attention", "query")), str)


def test_noise_that_vanishes_is_a_sentence():
    gone = planted(np.random.default_rng(10), lambda n: 0.0, predicted=lambda n: 0.0)
    assert isinstance(estimate("slope", gone), str) and isinstance(estimate("constant", gone), str)


def test_fits_tell_the_law_of_every_vector():
    table = fits(planted(np.random.default_rng(11), inverse, predicted=inverse, noise=0.01), (), level=LEVEL)
    row = table.query("part == 'attention' and given == 'query'").iloc[0]
    assert list(table.columns) == list(COLUMNS) and row["law"] == "supported" and row["predicted_slope"] == -1.0
    assert row["ratio_low"] < 1 < row["ratio_high"] and row["rate_low"] < 0.5 < row["rate_high"]
    assert table.query("given == 'nothing'")["slope"].isna().all()
    slow = fits(planted(np.random.default_rng(11), lambda n: n**-0.5, noise=0.01), (), level=LEVEL)
    assert slow.query("part == 'attention' and given == 'query'").iloc[0]["law"] == "refuted"
