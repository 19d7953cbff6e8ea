"""Law: before a run it is told what its claims can decide, what is never decided is refused, and it is kept."""

import json
import shutil

import msgspec
import numpy as np
import pytest

from testbed import cli, judging, pipeline
from testbed.cell import Evaluation
from testbed.ground.options import Options
from testbed.judging import power
from testbed.store import Store, ledger
from testbed.studies.grid import GridStudy
from testbed.studies.grid.guess import Guess
from testbed.studies.grid.layout import Grid
from testbed.studies.grid.surface import surface
from testbed.verdict import Claim
from testbed.verdict.forecast import Chances, Forecast, placed
from tests.shared.small import EXPERIMENT, varied
from tests.studies.grid.common import QUIET


def claim(name, quantity, low, high, **more):
    return Claim(id=name, sentence=f"{name}.", section="t", quantity=quantity, low=low, high=high, level=0.9, **more)


FLOOR = claim("floor", "lowest_excess", -0.05, None)
HOPELESS = claim("hopeless", "variance_exponent", 0.999, 1.001)
STUDY = varied(evaluation=Evaluation(sequences=32, checkpoints=5), claims=(FLOOR,))


def told(study, claims, simulations=40):
    return power.forecasts(study, study.foresight(None), claims, simulations=simulations)


def test_a_claim_that_the_design_never_decides_is_refused_before_anything_is_trained(tmp_path, trained):
    study = msgspec.structs.replace(STUDY, claims=(FLOOR, HOPELESS))
    with pytest.raises(ValueError, match=r"claim hopeless: this design never decides it: .* by a guess; ") as refusal:
        pipeline.run(study, tmp_path / "run", Options(), QUIET)
    assert "exploratory=True" in str(refusal.value) and len(str(refusal.value)) < 400
    assert not trained and not Store(tmp_path / "run").begun()


def test_a_refusal_names_the_knob_that_decides_it(monkeypatch):
    never = Forecast(inside=Chances(value=0.0, undecided=40), outside=Chances(value=1.0, undecided=40), basis="a guess")
    assert never.never and not msgspec.structs.replace(never, inside=Chances(value=0.0, undecided=39)).never
    helps = power.Remedy("grid.replicates × 2", 1.5, 0.9)
    monkeypatch.setattr(power, "remedy", lambda *arguments, **named: helps)
    with pytest.raises(ValueError, match=r"turn grid\.replicates × 2 \(1\.5 times the work\)"):
        power.refuse(STUDY, STUDY.foresight(None), {"floor": never})


def test_a_knob_that_decides_a_claim_is_found_and_costs_more():
    """With two replicates a step of V has one degree of freedom."""
    noisy = Guess(stored_noise=0.3)
    study = varied(grid=Grid(multiples=(1, 2), tokens=(64, 4096), replicates=2), guess=noisy)
    step = claim("step", "variance_step", None, 0.0)
    before = told(study, [step])["step"]
    found = power.remedy(study, study.foresight(None), step, simulations=20)
    assert before.right < power.HELPS <= found.right and found.knob == "grid.replicates × 2" and found.cost > 1


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    study = msgspec.structs.replace(STUDY, claims=(FLOOR, msgspec.structs.replace(HOPELESS, exploratory=True)))
    folder = tmp_path_factory.mktemp("power") / "run"
    pipeline.run(study, folder, Options(), QUIET)
    return study, folder


def test_the_forecast_of_the_pilots_is_kept_in_the_ledger_and_on_the_page(run):
    study, folder = run
    kept = ledger.foretold(Store(folder), study.claims)
    assert {each.basis for each in kept.values()} == {"the pilots"}
    verdicts = {verdict.id: verdict for verdict in ledger.read(Store(folder))}
    assert verdicts["floor"].forecast == kept["floor"] and verdicts["hopeless"].exploratory
    assert {verdict.declared for verdict in verdicts.values()} == {"before the run"}, "forecasts begin no run"
    page = (folder / "report.html").read_text()
    assert "by the pilots, of simulated runs" in page and "exploratory: its design may never decide it" in page


def test_a_run_without_forecasts_is_judged_and_told_as_it_was(run, tmp_path):
    _, folder = run
    older = shutil.copytree(folder, tmp_path / "older")
    (older / ledger.FORETOLD).unlink()
    verdicts = judging.rejudge(older, None, QUIET)
    assert all(verdict.forecast is None for verdict in verdicts)
    assert "of simulated runs" not in (older / "report.html").read_text()
    assert [v.verdict for v in verdicts] == [v.verdict for v in ledger.read(Store(folder))]


def test_pilots_tell_the_surface(run):
    study, folder = run
    seen, guessed = surface(study, Store(folder)), surface(study, None)
    assert (seen.basis, guessed.basis) == ("the pilots", "a guess")
    assert (seen.bias_P > 0).all() and (seen.bias_P[:, None] + seen.gap_PT <= np.log(6)).all()
    assert (seen.floor_P <= seen.bias_P).all() and 0 <= seen.shared < 1


def test_exploratory_changes_no_cell_and_no_identity(run):
    study, _ = run
    bare = msgspec.structs.replace(study, claims=())
    assert study.identity() == bare.identity()
    assert [cell.digest for cell in study.pilot_cells()] == [cell.digest for cell in bare.pilot_cells()]
    assert b"exploratory" not in msgspec.json.encode(FLOOR)


def edges(study, claims, simulations):
    """How often a verdict other than undecided is earned on the edge, by claim."""
    found = power.forecasts(study, study.foresight(None), claims, simulations=simulations, places=("edge",))
    return {name: each.edge.share("supported", "refuted") for name, each in found.items()}


EDGES = (
    claim("floor", "lowest_excess", -0.05, None),
    claim("online", "online_step", None, 0.0),
    claim("step", "variance_step", None, 0.0),
    claim("flat", "bias_on_tokens", -0.05, 0.05),
)


def test_on_the_edge_of_a_region_verdicts_are_wrong_no_more_often_than_their_level_allows():
    """At level 0.9 one in ten, and three standard errors of 60 draws: a false alarm in some 200 of these tests."""
    found = edges(varied(grid=Grid(multiples=(1, 2), tokens=(256, 4096), replicates=4)), EDGES, 60)
    assert max(found.values()) <= 0.1 + 3 * (0.1 * 0.9 / 60) ** 0.5, found


def test_an_estimate_that_is_too_sure_of_itself_decides_on_the_edge(monkeypatch):
    """The liar: intervals a tenth as wide."""
    honest = GridStudy.estimate

    def sure(self, asked, analysis):
        found = honest(self, asked, analysis)
        low, high = (found.value + (end - found.value) / 10 for end in (found.low, found.high))
        return msgspec.structs.replace(found, low=low, high=high)

    monkeypatch.setattr(GridStudy, "estimate", sure)
    study = varied(grid=Grid(multiples=(1, 2), tokens=(256, 4096), replicates=4))
    assert edges(study, EDGES[1:2], 40)["online"] > 0.5


def test_places_lie_about_the_nearest_edge():
    assert placed((-1.0, 1.0), 0.0, least=0.02) == pytest.approx((0.0, 1.0, 2.0))
    assert placed((0.9, 1.1), 5.0, least=0.02) == pytest.approx((1.0, 1.1, 1.2))
    assert placed((float("-inf"), 0.0), 0.0, least=0.02) == pytest.approx((-0.02, 0.0, 0.02))
    assert placed((0.0, float("inf")), 0.5, least=0.1, domain=(0.0, 1.0)) == (0.5, None, None)


def test_the_command_prints_a_table_and_json(capsys, run):
    _, folder = run
    words = ["power", "tests/presets.py", "--simulations", "2", "--claims", "floor"]
    assert cli.main(words) == 0
    assert "What the claims can decide, by a guess" in capsys.readouterr().out
    assert cli.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["floor"]
    assert found["inside"]["supported"] + found["inside"]["undecided"] + found["inside"]["refuted"] == 2
    assert cli.main([*words, "--out", str(folder)]) == 2
    assert "holds a run of another study" in capsys.readouterr().err


def test_the_pilots_of_a_folder_are_read_by_the_command(capsys, run):
    study, folder = run
    found = power.forecasts(study, study.foresight(judging.of_study(folder, study)), [FLOOR], simulations=2)
    assert found["floor"].basis == "the pilots" and EXPERIMENT.identity() != study.identity()
