"""A study of noise, once: what it leaves, what a second run redoes, and how it is judged again."""

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from testbed import pipeline
from testbed.cli import main
from testbed.ground.options import Options
from testbed.judging import rejudge, rewrite_report
from testbed.pipeline import run
from testbed.store import Store, StoreError
from testbed.studies.noise import points as points_of_noise
from testbed.studies.noise.asked import EARLIER
from testbed.studies.noise.finished import TABLES
from testbed.terminal.console import Console
from tests.report.reading import check_page
from tests.shared.aged import aged
from tests.small_study import CLAIMS, STUDY

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run(STUDY, folder, Options(simulations=0), QUIET)
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def observed(monkeypatch):
    """The points that are observed from now on."""
    points, observe = [], points_of_noise._observe
    monkeypatch.setattr(points_of_noise, "_observe", lambda *given: (points.append(given[1].point), observe(*given)))
    return points


def ledger(folder):
    return {line["id"]: line for line in json.loads((folder / "ledger.json").read_bytes())}


def test_a_study_leaves_its_tables_verdicts_and_report(finished):
    left = {path.name for path in finished.iterdir()}
    assert {f"{name}.parquet" for name in TABLES} | {"fits.parquet", "report.html", "declared.json"} <= left
    levels = pd.read_parquet(finished / "levels.parquet")
    assert len(levels[["arm", "length", "draw"]].drop_duplicates()) == len(STUDY.points())
    assert (levels["variance"] > 0).all() and (levels["error"] > 0).all()
    assert all(check["passed"] for check in json.loads((finished / "checks.json").read_bytes()))


def test_the_report_stands_alone_and_the_files_it_links_are_beside_it(finished):
    found = check_page((finished / "report.html").read_text())
    assert all((finished / name).is_file() for name in found.files)


def test_every_claim_is_judged_with_its_subject(finished):
    lines = ledger(finished)
    assert list(lines) == [claim.id for claim in CLAIMS]
    assert all(line["declared"] == "before the run" for line in lines.values())
    assert lines["falls"]["about"] == "tokens" and lines["falls"]["verdict"] == "supported"
    assert lines["constant"]["verdict"] == "supported"
    assert lines["stays"]["verdict"] == "refuted"  # one regime per sequence


def test_theory_is_told_beside_the_measurement(finished):
    levels = pd.read_parquet(finished / "levels.parquet").query("part == 'attention' and given == 'query'")
    own = levels[levels["arm"].isin(["tokens", "regimes"]) & (levels["layer"] == 1)]
    off = (own["variance"] - own["predicted"]) / own["error"]
    assert len(own) == 12 and (off[own["arm"] == "tokens"].abs() < 4).all()


def test_the_same_command_again_has_nothing_to_do(copied, observed):
    before = (copied / "ledger.json").read_bytes()
    run(STUDY, copied, Options(simulations=0), QUIET)
    assert not observed and (copied / "ledger.json").read_bytes() == before


def test_what_a_kill_lost_is_observed_again_and_nothing_else(copied, observed):
    levels = pd.read_parquet(copied / "levels.parquet")
    lost = STUDY.points()[3]
    assert pipeline._settled(Store.existing(copied), STUDY, Options())
    (copied / "parts" / f"{lost.digest}.parquet").unlink()
    assert not pipeline._settled(Store.existing(copied), STUDY, Options())
    for name in ("levels.parquet", "ledger.json"):
        (copied / name).unlink()
    run(STUDY, copied, Options(simulations=0), QUIET)
    assert observed == [lost]
    again = pd.read_parquet(copied / "levels.parquet")
    np.testing.assert_allclose(again["variance"], levels["variance"], rtol=1e-5)


def test_other_claims_are_judged_without_observing(copied, observed):
    other = (msgspec.structs.replace(CLAIMS[0], id="steeper", low=-3.0, high=-2.0),)
    verdicts = rejudge(copied, other, QUIET)
    assert not observed and [verdict.verdict for verdict in verdicts] == ["refuted"]
    assert ledger(copied)["steeper"]["declared"] == "after the run"


def test_the_report_can_be_written_again_with_a_picture(copied, tmp_path):
    (copied / "report.html").unlink()
    rewrite_report(copied, QUIET, tmp_path / "noise.svg")
    page = (copied / "report.html").read_text()
    assert all(claim.sentence in page for claim in CLAIMS) and "<svg" in (tmp_path / "noise.svg").read_text()


def test_another_study_does_not_share_the_folder(copied):
    with pytest.raises(StoreError, match=r"holds another experiment \(its seed is 0, not 1\)"):
        run(msgspec.structs.replace(STUDY, seed=1), copied, Options(simulations=0), QUIET)


def test_an_unfinished_study_cannot_be_judged(copied):
    (copied / "levels.parquet").unlink()
    with pytest.raises(StoreError, match="is not finished: judging needs every point"):
        rejudge(copied, None, QUIET)


def test_models_that_diverged_are_left_out_and_make_claims_invalid(tmp_path):
    wild = tuple(
        msgspec.structs.replace(arm, fit=arm.fit and msgspec.structs.replace(arm.fit, learning_rate=1e38))
        for arm in STUDY.arms
    )
    verdicts = run(msgspec.structs.replace(STUDY, arms=wild), tmp_path / "wild", Options(simulations=0), QUIET)
    assert {verdict.verdict for verdict in verdicts} == {"invalid"}
    store = Store.existing(tmp_path / "wild")
    assert (store.read_frame("trained.parquet")["status"] == "diverged").all()
    page = (tmp_path / "wild" / "report.html").read_text()
    assert "of which 2 diverged" in page


def test_the_command_line_runs_judges_and_reports(copied, capsys):
    study = str(Path(__file__).parents[2] / "small_study.py")
    assert main(["run", study, "--out", str(copied)]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert main(["judge", str(copied), "--claims-of", study, "--preset", "other"]) == 0
    assert main(["report", str(copied)]) == 0
    assert list(ledger(copied)) == ["falls"]


@pytest.mark.parametrize("schemas", EARLIER.items())
def test_a_study_of_an_earlier_version_is_judged_and_reported_and_not_gone_on_with(copied, observed, schemas):
    before = ledger(copied)
    aged(copied, schemas[1], schemas[0])
    rejudge(copied, None, QUIET)
    rewrite_report(copied, QUIET)
    assert ledger(copied) == before
    with pytest.raises(StoreError, match=r"earlier version.*its results stand.*judge or report it.*another --out"):
        run(STUDY, copied, Options(simulations=0), QUIET)
    assert not observed
