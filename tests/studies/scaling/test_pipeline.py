"""Law: a study of scaling laws runs from the folder of a finished grid alone, and what is no such folder is refused."""

import msgspec
import pandas as pd
import pytest

import testbed
from testbed import cli
from testbed.judging import check_claims, rejudge
from testbed.store import Store, StoreError
from testbed.studies.scaling import ScalingStudy
from testbed.terminal.console import Console
from testbed.verdict import Claim
from tests.report.reading import check_page
from tests.small_study import STUDY
from tests.studies.scaling.planted import ALPHA, GRID, plant

QUIET = Console(quiet=True)


def claim(name, quantity, low, high, about=None):
    return Claim(
        id=name, sentence=f"{name} holds.", section="tests", quantity=quantity, low=low, high=high, level=0.95,
        about=about,
    )  # fmt: skip


CLAIMS = (
    claim("recovers", "entropy_error", -1.0, 1.0),
    claim("covers", "entropy_coverage", 0.5, None),
    claim("costs", "forecast_cost", -1.0, None, "free"),
)
ASKED = ScalingStudy(
    name="scaling", question="Does the path work?", claims=CLAIMS, surfaces=20, resamples=100, interval="profile"
)


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted") / "grid"
    return folder, plant(folder)


@pytest.fixture(scope="module")
def done(grid, tmp_path_factory):
    return testbed.run(named(grid[0]), tmp_path_factory.mktemp("scaling") / "run")


def named(folder, **changes):
    return msgspec.structs.replace(ASKED, grid=str(folder), **changes)


def test_the_whole_path_judges_what_is_planted(done, grid):
    found = {verdict.id: verdict for verdict in done.verdicts}
    assert found["recovers"].verdict == "supported" and abs(found["recovers"].estimate) < 0.05
    assert found["covers"].verdict == "supported" and found["costs"].estimate is not None
    assert {verdict.declared for verdict in done.verdicts} == {"before the run"}
    fits = done.tables["fits"].set_index("assumed")
    assert fits.loc["truth", "E"] == grid[1] and fits.loc["truth", "alpha"] == pytest.approx(ALPHA, abs=0.1)
    assert set(fits.index) >= {"truth", "free", "low", "high", "rate", "unigrams"}
    assert len(done.tables["residuals"]) == 2 * 4 * 4 * 2 and len(done.tables["losses"]) == 4 * (4 + 3) * 2


def test_the_losses_are_epsilon_and_the_planted_k(done, grid):
    losses = done.tables["losses"]
    cells = Store.existing(grid[0]).cells()
    kept = cells[~cells["role"].str.contains("pilot")]
    assert sorted(losses["loss"]) == pytest.approx(sorted(grid[1] + kl_CB[-1].mean() for kl_CB in kept["kl_CB"]))


def test_the_page_stands_alone_and_shows_four_figures(done):
    assert len(check_page(done.report.read_text()).payloads) == 4


def test_nothing_is_left_to_do_and_the_grid_is_needed_no_more(done, grid, tmp_path):
    """Judged again with the grid away: the run holds its losses."""
    moved = grid[0].with_name("moved")
    before = (done.folder / "ledger.json").read_bytes()
    grid[0].rename(moved)
    try:
        rejudge(done.folder, None, QUIET)
        assert (done.folder / "ledger.json").read_bytes() == before
        testbed.run(named(moved), done.folder)  # the same losses at another place are the same study
        assert str(moved) in (done.folder / "spec.json").read_text()
    finally:
        moved.rename(grid[0])


def test_other_losses_are_another_study(done, tmp_path):
    plant(tmp_path / "other", level=1.1)
    with pytest.raises(StoreError, match=r"another experiment \(its cells_sha256 is "):
        testbed.run(named(tmp_path / "other"), done.folder)


def test_the_identity_has_the_digest_and_no_path(done, grid):
    looked = named(grid[0]).looked_up()
    assert len(looked.cells_sha256) == 64 and looked.identity()["cells_sha256"] == looked.cells_sha256
    assert str(grid[0]) not in repr(looked.identity())
    with pytest.raises(ValueError, match=r"its losses have the sha256 [0-9a-f]{16}…, and cells_sha256 is ab"):
        named(grid[0], cells_sha256="ab").looked_up()


def test_a_damaged_table_is_refused_and_made_anew(done):
    for name in ("fits.csv", "losses.parquet", "simulations.parquet"):
        path = done.folder / name
        sound = path.read_bytes()
        path.write_bytes(sound[:-60] + bytes([sound[-60] ^ 1]) + sound[-59:])
        with pytest.raises(StoreError, match=f"{name} is damaged.*delete it and run again"):
            testbed.run(done.study, done.folder)
        path.unlink()
    testbed.run(done.study, done.folder)
    for name in ("fits.csv", "losses.parquet", "simulations.parquet"):
        assert (done.folder / name).exists()
    assert pd.read_csv(done.folder / "fits.csv")["assumed"].tolist()[0] == "truth"


def test_what_is_no_finished_grid_is_refused_in_a_sentence(tmp_path):
    plant(tmp_path / "half", without=3)
    Store.open(tmp_path / "begun", GRID.pretty(), lambda saved: None)
    Store.open(tmp_path / "noise", STUDY.pretty(), lambda saved: None)
    wrong = {
        "": "no folder is named.*give --grid",
        str(tmp_path): "is not a run of testbed",
        str(tmp_path / "noise"): "it holds a study of kind noise; name the folder of a finished grid",
        str(tmp_path / "begun"): "is not finished",
        str(tmp_path / "half"): "it is not finished .* of .* planned cells have a result.*run it to its end",
    }
    for folder, why in wrong.items():
        with pytest.raises(ValueError, match=why) as refusal:
            testbed.run(named(folder), tmp_path / "run")
        assert len(str(refusal.value)) <= 400
    assert not (tmp_path / "run").exists()


def test_a_grid_that_failed_its_checks_makes_every_verdict_invalid(tmp_path):
    plant(tmp_path / "grid", closure=1.0)
    found = testbed.run(named(tmp_path / "grid"), tmp_path / "run")
    assert {verdict.verdict for verdict in found.verdicts} == {"invalid"}
    assert "identity closes" in (tmp_path / "run" / "checks.json").read_text()


def test_claims_name_what_is_assumed():
    for wrong, why in (
        (claim("c", "forecast_cost", 0.0, None), "about='None': forecast_cost is about what is assumed of E"),
        (claim("c", "alpha_shift", 0.0, None, "hihg"), "about='hihg'.*did you mean high"),
        (claim("c", "entropy_error", 0.0, None, "low"), "leave about out"),
        (claim("c", "entropy", 0.0, None), "its quantity 'entropy' is unknown"),
    ):
        with pytest.raises(ValueError, match=why):
            check_claims(msgspec.structs.replace(ASKED, claims=(wrong,)))


def test_the_command_line_takes_the_folder_of_the_grid(grid, tmp_path, capsys):
    words = ["run", "scaling_laws", "--grid", str(grid[0]), "--out", str(tmp_path / "run"), "--simulations", "20"]
    assert cli.main([*words, "--interval", "profile"]) == 0
    assert "free.recovers" in capsys.readouterr().out
