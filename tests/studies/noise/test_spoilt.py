"""Tables of noise that carry no information: every number is an estimate or a sentence, and every fit has its row."""

import dataclasses

import numpy as np
import pytest

from testbed.stats.decay import NO_NOISE, decay_slope
from testbed.stats.estimate import Estimate
from testbed.studies.noise.analysis import Curve
from testbed.studies.noise.checks import spreads_agree
from testbed.studies.noise.decays import ONE_LENGTH, decay
from testbed.studies.noise.estimates import ESTIMATES
from testbed.studies.noise.fits import fits
from testbed.studies.noise.measures import rows
from tests.stats.laws import covers
from tests.studies.noise.measures.test_rows import seen
from tests.studies.noise.test_checks import analysis as checked
from tests.studies.noise.test_estimates import LEVEL, WHERE, N, inverse, planted


def made(**options):
    return planted(np.random.default_rng(0), inverse, predicted=inverse, draws=2, **options)


def at(table, place, **columns):
    """A table in which some numbers of one row are others."""
    spoilt = table.copy()
    for name, value in columns.items():
        spoilt[name] = spoilt[name].astype(float)
        spoilt.loc[spoilt.index[place], name] = value
    return spoilt


def levels(found, **columns):
    return dataclasses.replace(found, levels=at(found.levels, 3, **columns))


def shapes(found, **columns):
    return dataclasses.replace(found, shapes=found.shapes.assign(**columns))


def lengths(found, keep):
    """Some points alone; ``keep`` is told draw and length."""
    tables = {}
    for name in ("levels", "shapes"):
        table = getattr(found, name)
        chosen = [keep(draw, n) for draw, n in zip(table["draw"], table["length"], strict=True)]
        tables[name] = table[chosen].reset_index(drop=True)
    return dataclasses.replace(found, **tables)


SPOILT = {
    "one length": lambda found: lengths(found, lambda draw, n: n == N[0]),
    "one length a draw": lambda found: lengths(found, lambda draw, n: n == N[draw]),
    "two lengths": lambda found: lengths(found, lambda draw, n: n in N[:2]),
    "one draw": lambda found: lengths(found, lambda draw, n: draw == 0),
    "T is NaN": lambda found: levels(found, variance=np.nan, error=np.nan),
    "T is infinite": lambda found: levels(found, variance=np.inf, error=np.inf),
    "T is 1e300": lambda found: levels(found, variance=1e300, error=1e299),
    "T is zero": lambda found: levels(found, variance=0.0, error=0.0),
    "T is below zero": lambda found: levels(found, variance=-1.0),
    "an error is NaN": lambda found: levels(found, error=np.nan),
    "an error is infinite": lambda found: levels(found, error=np.inf),
    "an error is zero": lambda found: levels(found, error=0.0),
    "one sequence": lambda found: levels(found, sequences=1),
    "no sequence": lambda found: levels(found, sequences=0),
    "theory is 1e-300": lambda found: levels(found, predicted=1e-300),
    "theory is infinite": lambda found: levels(found, predicted=np.inf),
    "no distance": lambda found: shapes(found, distance=np.nan),
    "distances without error": lambda found: shapes(found, distance_error=np.nan),
    "distances of zero": lambda found: shapes(found, distance=0.0, distance_error=0.0),
    "distances of few": lambda found: shapes(found, count=1),
    "distances above one": lambda found: shapes(found, distance=2.0),
    "no spread": lambda found: shapes(found, iqr=0.0, iqr_error=0.0),
}


def sound(found):
    if isinstance(found, str):
        return 10 < len(found) < 300 and "\n" not in found
    return isinstance(found, Estimate) and np.isfinite(found.value) and found.low <= found.value <= found.high


@pytest.mark.parametrize("refitted", [False, True])
@pytest.mark.parametrize("name", SPOILT)
def test_every_named_number_is_an_estimate_or_a_sentence(name, refitted):
    spoilt = SPOILT[name](made(refitted=refitted))
    for quantity, function in ESTIMATES.items():
        assert sound(function(spoilt, WHERE, LEVEL)), quantity
    assert len(fits(spoilt, (), level=LEVEL)) == 6


@pytest.mark.parametrize("name", ["one length", "one length a draw"])
def test_a_slope_from_one_length_a_draw_is_a_sentence(name):
    spoilt = SPOILT[name](made())
    assert "no information" in ESTIMATES["noise_slope"](spoilt, WHERE, LEVEL)
    row = fits(spoilt, (), level=LEVEL).query("part == 'attention' and given == 'query'").iloc[0]
    assert np.isnan(row["slope"]) and row["law"] == "invalid"


def test_draws_of_one_length_have_no_slope_of_their_own():
    assert ESTIMATES["noise_slope"](SPOILT["one length a draw"](made(refitted=True)), WHERE, LEVEL) == ONE_LENGTH
    three = planted(np.random.default_rng(0), inverse, draws=3, refitted=True)
    short = lengths(three, lambda draw, n: draw < 2 or n == N[0])
    found, two = (ESTIMATES["noise_slope"](each, WHERE, LEVEL) for each in (short, lengths(three, lambda d, n: d < 2)))
    assert (found.value, found.low) == (two.value, two.low) and "1 more have one length alone" in found.method


def test_noise_of_zero_departs_from_no_theory_for_certain():
    for name in ("constant", "departure", "last_ratio"):
        gone = dataclasses.replace(made(), levels=made().levels.assign(variance=0.0, error=0.0))
        assert ESTIMATES[f"noise_{name}"](gone, WHERE, LEVEL) == NO_NOISE


def test_slopes_of_two_draws_at_two_lengths_are_covered():
    n_N, curve_N = np.array([64.0, 2048.0, 64.0, 2048.0]), np.array([0, 0, 1, 1])

    def drawn(rng, by_errors_alone=False):
        t_N = 3 / n_N * np.exp(0.4 * rng.standard_normal(4))  # by trainings, of which the errors know nothing
        curve = Curve(n_N, t_N, 0.01 * t_N, np.full(4, 1000.0), curve_N, np.full(4, np.nan))
        if by_errors_alone:
            return decay_slope(*curve[:4], level=LEVEL, curves=[0, 0, 1, 1]).slope, -1.0
        return decay(curve, level=LEVEL, anew=True).slope, -1.0

    assert covers(drawn, level=LEVEL)
    assert not covers(lambda rng: drawn(rng, by_errors_alone=True), level=LEVEL, simulations=100)


def test_vectors_that_are_not_finite_have_no_spread_and_no_shape():
    """One broken projection must not leave the shape of the others in its place."""
    whole = seen(np.random.default_rng(2))
    second = whole.second_VOWW.copy()
    second[0, :, 1:, 1:] = np.nan
    projected = whole.projected_BOR.copy()
    projected[0] = np.inf
    broken = whole._replace(second_VOWW=second, projected_BOR=projected)
    assert all(np.isnan([row["variance"], row["error"]]).all() for row in rows.levels(broken))
    assert {row["sequences"] for row in rows.levels(broken)} == {600}
    assert all(np.isnan([row["distance"], row["iqr"]]).all() for row in rows.shapes(broken))
    assert all(0 < row["count"] < 600 for row in rows.joint(broken))


def test_spreads_that_cannot_be_compared_do_not_agree():
    assert not spreads_agree(checked([(1.0, 1.0, 0.0), (1.0, np.nan, 0.0)])).passed
    assert spreads_agree(checked([(0.0, 0.0, 0.0)])).passed
