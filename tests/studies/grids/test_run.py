"""Law: planes of one run are trained once, told apart in every table, and equal to plain grids of their own."""

import msgspec
import numpy as np
import pandas as pd
import pytest

from testbed import judging, results
from testbed.ground.options import Options
from testbed.pipeline import run
from testbed.store import Store
from testbed.studies.grids import finished
from testbed.studies.grids.analysis import AXES
from testbed.train import buckets
from tests.studies.grid.common import ROOT, told_columns
from tests.studies.grids.common import QUIET, SMALL, claim, ran

CLAIMS = (
    claim("step", "online_step", None, 0.0, about="σ = 0.1, n = 8"),
    claim("width", "threshold_width", None, 9.0, about="naming_regime"),
)
STUDY = msgspec.structs.replace(SMALL, claims=CLAIMS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("grids") / "run"
    ran(STUDY, found)
    return found


@pytest.fixture(scope="module")
def analysis(folder):
    store, study = judging.opened(folder)
    return study.analysis(store)


def test_a_plane_is_what_a_plain_grid_of_its_own_finds(folder, tmp_path):
    """Trained alone, on the same seed, to the last bit of K and of what is kept."""
    plane = STUDY.planes[2]
    run(plane.study, tmp_path / "alone", Options(simulations=0), QUIET)
    alone, together = Store.existing(tmp_path / "alone"), Store.existing(folder)
    assert set(alone.digests()) < set(together.digests())
    for digest in alone.digests():
        np.testing.assert_allclose(
            np.stack(alone.row(digest)["kl_CB"]), np.stack(together.row(digest)["kl_CB"]), rtol=2e-5, atol=2e-6
        )
    lone = alone.read_frame("ensemble_split.parquet")
    seen = together.part_of(plane.prefix).read_frame("ensemble_split.parquet")
    np.testing.assert_allclose(lone["center"], seen["center"], rtol=1e-3, atol=1e-5)


def test_planes_are_evaluated_on_windows_of_their_own_world(analysis):
    """The Bayes loss of what is hardly noisy is lower, and K is no divergence from another world's law."""
    quiet, noisy = analysis.plane("σ = 0.1, n = 8"), analysis.plane("σ = 0.4, n = 8")
    assert quiet.epsilon < noisy.epsilon - 0.1
    assert all(check.passed for check in STUDY.checks(analysis) if check.name in ("non-negative", "measures agree"))


def test_every_table_says_of_which_plane_a_row_is(folder, analysis):
    tables = results.open(folder).tables
    for name in (
        "cells",
        "estimates",
        "loss_parts",
        "learning_curves",
        "compute",
        "signals",
        "capabilities",
        "contexts",
    ):
        assert len(tables[name]), name
        assert len(tables[name].groupby(list(AXES))) == 4, name
    assert tables["planes"]["label"].tolist() == [place.label for place in STUDY.places]
    assert pd.read_csv(folder / "planes.csv")["epsilon"].to_numpy() == pytest.approx(
        [p.epsilon for p in analysis.planes]
    )


def test_a_second_run_does_nothing_and_a_lost_table_of_one_plane_is_made_again(folder, monkeypatch):
    def refuse(*arguments, **named):
        raise AssertionError("trained again")

    monkeypatch.setattr(buckets, "train", refuse)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    ran(STUDY, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before
    lost = folder / "02.ensemble_contexts_signal.parquet"
    kept = lost.read_bytes()
    lost.unlink()
    ran(STUDY, folder)
    assert lost.read_bytes() == kept


def test_parts_of_no_plane_are_counted_once(analysis):
    assert {plane.strangers for plane in analysis.planes} == {0}


def test_the_page_shows_all_planes_and_loads_nothing(folder):
    text = (folder / "report.html").read_text()
    for place in STUDY.places:
        assert place.label in text
    assert "Signal to noise across contexts" in text and 'src="http' not in text


def test_scores_lie_between_chance_and_bayes_for_what_knows_something(analysis):
    from testbed.studies.grids import capabilities

    table = capabilities.table(analysis)
    assert set(table["capability"]) == {"naming_regime"}
    assert (table["bayes_smooth"] >= table["chance_smooth"] - 1e-9).all()
    assert table["K"].notna().all() and table["flops"].gt(0).all()
    assert len(table[table["condition"] == "all"]) == 4 * 2 * 3 * 3


def test_derived_tables_are_those_that_are_named(analysis):
    assert set(finished.derived(analysis)) == set(STUDY.tables)


def untold(folder, told):
    """The tables, of all planes and of each, whose columns are not those that the page tells."""
    for name in STUDY.tables:
        columns = {*told["grids"], *told[name.removesuffix(".parquet")]}
        if set(pd.read_parquet(folder / name)) != columns:
            yield name
    for plane in STUDY.planes:
        for path in sorted(folder.glob(f"{plane.prefix}*.parquet")):
            name = path.stem.removeprefix(plane.prefix)
            if name != "reference" and set(pd.read_parquet(path)) != set(told.get(name, ())):
                yield path.name


def test_every_column_is_told(folder):
    """Those of a plain grid, three that say of which plane a row is, and the tables that grids alone have."""
    told = told_columns()
    assert told["grids"] == list(AXES) and list(untold(folder, told)) == []
    left = {path.stem.removeprefix("03.") for path in folder.glob("03.*.parquet")}
    assert left == {"reference", "floors", *(name for name in told if name.startswith("ensemble_"))}


def test_a_column_that_the_page_passes_over_is_missed(folder):
    """The liars: pages without one line."""
    page = (ROOT / "docs" / "tables.md").read_text()
    of_planes = [f"{plane.prefix}ensemble_trainings_signal.parquet" for plane in STUDY.planes]
    lies = {"| `log_snr`, `log_snr_se` |": ["capabilities.parquet"], "| `noise_of_draws`,": of_planes}
    for begins, missed in lies.items():
        (line,) = [each for each in page.splitlines() if each.startswith(begins)]
        assert list(untold(folder, told_columns(page.replace(line, "")))) == missed
    (line,) = [each for each in page.splitlines() if each.startswith("| `sigma` |")]
    lied = list(untold(folder, told_columns(page.replace(line, ""))))
    assert lied == list(STUDY.tables)
