"""Law: a claim that a grid has too few cells for is refused before the run, where judging would have no estimate."""

import msgspec
import pytest

from testbed.stats.estimate import Estimate
from testbed.studies.scaling import ScalingStudy, enough
from testbed.studies.scaling.estimates import OF_ONE
from testbed.verdict import Claim
from tests.studies.scaling import planted

SIZES = planted.SIZES


def claim(quantity, about, **more):
    return Claim(
        id="t", sentence="t.", section="t", quantity=quantity, about=about, low=0.0, high=None, level=0.95, **more
    )


def study(*claims, **changes):
    return ScalingStudy(name="t", question="t?", claims=claims, resamples=100, **changes)


CASES = [
    (quantity, about, sizes, tokens)
    for quantity, beside in (("forecast_cost", 1), ("alpha_shift", 0))
    for about in ("low", "free")
    for sizes, tokens in ((2 + beside, 3), (2 + beside, 4), (3 + beside, 3), (3 + beside, 5))
]


@pytest.mark.parametrize(("quantity", "about", "sizes", "tokens"), CASES)
def test_what_is_refused_is_what_has_no_estimate_for_want_of_cells(quantity, about, sizes, tokens):
    frame = planted.frame(sizes=SIZES[:sizes], tokens=planted.TOKENS[:tokens])
    asked = study(claim(quantity, about))
    run = planted.analysis(frame, planted.world(), resamples=100)
    found = OF_ONE[quantity](run, about, 0.95)
    if isinstance(found, Estimate):
        enough.check(asked, frame)
        return
    with pytest.raises(ValueError, match=r"claim t: the grid has \d .* need [389]; take a grid of more sizes"):
        enough.check(asked, frame)


def test_what_is_held_out_decides():
    frame = planted.frame(sizes=SIZES[:3], tokens=planted.TOKENS[:5])
    enough.check(study(claim("forecast_cost", "low")), frame)
    with pytest.raises(ValueError, match=r"has 2 sizes or D beside those held out, and fits of E free need 3"):
        enough.check(study(claim("forecast_cost", "free")), frame)
    enough.check(study(claim("forecast_cost", "free"), held="data"), frame)


def test_what_is_exploratory_or_needs_no_resamples_is_not_refused():
    frame = planted.frame(sizes=SIZES[:2], tokens=planted.TOKENS[:2])
    enough.check(study(claim("forecast_cost", "low", exploratory=True)), frame)
    enough.check(study(msgspec.structs.replace(claim("entropy_error", "low"), about=None)), frame)
    with pytest.raises(ValueError, match="the grid has 0 cells"):
        enough.check(study(claim("alpha_shift", "low"), data="fresh"), frame)


def test_it_is_told_before_the_run(tmp_path, monkeypatch):
    folder = tmp_path / "grid"
    planted.plant(folder)
    asked = study(claim("alpha_shift", "low"), grid=str(folder))
    assert asked.looked_up().cells_sha256
    monkeypatch.setattr(enough, "LEAST", 99)
    with pytest.raises(ValueError, match=r"claim t: the grid has 16 cells, and fits of E low need 103"):
        asked.looked_up()
