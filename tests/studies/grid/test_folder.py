"""What may go wrong in the folder of a run, without a crash and without a wrong word."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from testbed import pipeline
from testbed.cell import EARLIER, SCHEMA, Cell
from testbed.ground.options import Options
from testbed.judging import rejudge, rewrite_report
from testbed.store import Store, StoreError
from testbed.studies.grid.measures import measures
from tests.presets import CLAIMS, JUDGED, OTHER_CLAIMS
from tests.shared.aged import aged, had_once
from tests.shared.tables import same_parameters, same_tables
from tests.studies.grid.common import QUIET, ROOT, contents, ran, read

ONE_RATE = msgspec.structs.replace(
    JUDGED, training=msgspec.structs.replace(JUDGED.training, learning_rates=(0.03,)), claims=CLAIMS[:2]
)


def test_a_folder_of_another_spec_is_left_alone(copied):
    before = contents(copied)
    with pytest.raises(StoreError, match=r"another experiment \(its seed is 0, not 1\).*choose another --out"):
        ran(msgspec.structs.replace(JUDGED, seed=1), copied)
    assert contents(copied) == before


def test_a_damaged_ledger_is_named_and_remade(copied, trained):
    (copied / "ledger.json").write_text("[{")
    with pytest.raises(StoreError, match=r"ledger.json is damaged.*delete it and run again"):
        ran(JUDGED, copied)
    (copied / "ledger.json").unlink()
    assert len(ran(JUDGED, copied)) == len(CLAIMS)
    assert trained == []


def test_every_derived_file_is_refused_when_damaged_and_made_anew_when_deleted(copied, finished, trained):
    """One after the other each is noticed, damaged or missing; then all at once are made anew as they were."""
    kept = {".lock", "spec.json", "declared.json", "provenance.json", "run.json"}
    names, store = sorted({path.name for path in finished.iterdir() if path.is_file()} - kept), Store.existing(copied)
    tables = ("cells", "compute", "diagnostics", "estimates", "learning_curves", "loss_parts")
    measured = (*(f"ensemble_{name}" for name in measures()), "floors", "reference", "references")
    assert names == sorted(
        [f"{name}{ending}" for name in tables for ending in (".csv", ".parquet")]
        + [*(f"{name}.parquet" for name in measured), "checks.json", "ledger.json", "report.html", "truth.json"]
    )
    assert pipeline._settled(store, JUDGED, Options())
    for name in names:
        path = copied / name
        sound = path.read_bytes()
        path.write_bytes(sound[:-200] + bytes([sound[-200] ^ 1]) + sound[-199:])
        if name != "report.html":  # for people, and never read back
            with pytest.raises(StoreError, match=f"{name} is damaged.*delete it and run again"):
                ran(JUDGED, copied)
        path.unlink()
        assert not pipeline._settled(store, JUDGED, Options()), name
        path.write_bytes(sound)
    assert pipeline._settled(store, JUDGED, Options())
    for name in names:
        (copied / name).unlink()
    ran(JUDGED, copied)
    assert trained == [] and pipeline._settled(store, JUDGED, Options())
    for name in ("ledger.json", "checks.json", "truth.json"):
        assert read(copied, name) == read(finished, name)


def test_what_else_lies_among_the_parts_is_passed_over(copied, finished):
    """A killed writer's half, a live writer's whole, and a sound part of another experiment."""
    part = min((copied / "parts").iterdir())
    (copied / "parts" / ".unfinished-0-a.parquet").write_bytes(part.read_bytes()[:999])
    (copied / "parts" / f".unfinished-1-{part.name}").write_bytes(part.read_bytes())
    rejudge(copied, None, QUIET)
    assert read(copied, "ledger.json") == read(finished, "ledger.json")
    other = Store.existing(copied).row(part.stem)
    Store.existing(copied).write("ab" * 32, {name: other[name] for name in other if name != "digest"}, {}, {})
    ran(JUDGED, copied)
    rejudge(copied, None, QUIET)
    assert read(copied, "ledger.json") == read(finished, "ledger.json")
    assert len(pd.read_parquet(copied / "cells.parquet")) == JUDGED.cell_count
    assert "parts of other experiments" in (copied / "report.html").read_text()


def test_an_erased_declaration_is_told_in_every_verdict(copied, trained):
    assert {line["declared"] for line in read(copied, "ledger.json")} == {"before the run"}
    assert all(line["declared_at"] for line in read(copied, "ledger.json"))
    (copied / "declared.json").unlink()
    rewrite_report(copied, QUIET)
    assert (copied / "report.html").read_text().count("declaration missing") >= len(CLAIMS)
    verdicts = ran(msgspec.structs.replace(JUDGED, claims=(*CLAIMS, *OTHER_CLAIMS)), copied)
    assert [verdict.declared for verdict in verdicts] == ["declaration missing"] * 5
    rejudge(copied, OTHER_CLAIMS, QUIET)
    assert {line["declared"] for line in read(copied, "ledger.json")} == {"declaration missing"}
    assert trained == []


def test_claims_that_came_after_the_run_are_told_with_their_time(copied):
    rejudge(copied, (*CLAIMS, *OTHER_CLAIMS), QUIET)
    lines = {line["id"]: line for line in read(copied, "ledger.json")}
    assert [lines[claim.id]["declared"] for claim in CLAIMS] == ["before the run"] * len(CLAIMS)
    assert [lines[claim.id]["declared"] for claim in OTHER_CLAIMS] == ["after the run"] * len(OTHER_CLAIMS)
    assert f"declared after the run ({lines['broken']['declared_at']})" in (copied / "report.html").read_text()


def test_two_processes_on_one_new_folder_end_with_the_right_table(finished, tmp_path):
    """Each saves a snapshot after every step it can, so that they write the same files all the time."""
    words = [sys.executable, "-m", "testbed", "run", "tests/presets.py", "--out", str(tmp_path / "run")]
    words += ["--checkpoint-seconds", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "1"}
    started = [
        subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in started:
        _, told = process.communicate(timeout=300)
        assert process.returncode == 0, told
    assert same_tables(tmp_path / "run", finished) and same_parameters(tmp_path / "run", finished)
    assert [each["verdict"] for each in read(tmp_path / "run", "ledger.json")] == [
        each["verdict"] for each in read(finished, "ledger.json")
    ]
    assert {each["declared"] for each in read(tmp_path / "run", "ledger.json")} == {"before the run"}
    assert 1 <= len(read(tmp_path / "run", "provenance.json")) <= 2
    assert pipeline._settled(Store.existing(tmp_path / "run"), JUDGED, Options())
    assert not list((tmp_path / "run").rglob(".unfinished-*")) + list((tmp_path / "run" / "snapshots").iterdir())


@pytest.fixture(scope="module")
def of_one_rate(tmp_path_factory):
    """A run with one rate for all of a size, as every run had before each horizon and D had pilots of its own."""
    folder = tmp_path_factory.mktemp("runs") / "one_rate"
    ran(ONE_RATE, folder)
    return folder


@pytest.mark.parametrize("schema", EARLIER)
def test_a_run_of_an_earlier_version_is_judged_and_reported_and_not_gone_on_with(
    of_one_rate, tmp_path, trained, schema
):
    folder = Path(shutil.copytree(of_one_rate, tmp_path / "run"))
    aged(folder, schema)
    rejudge(folder, None, QUIET)
    rewrite_report(folder, QUIET)
    whole = ONE_RATE.analysis(Store.existing(of_one_rate))
    once = [had_once(msgspec.json.decode(spec, type=Cell)) for spec in whole.cells["spec"]]
    less = dataclasses.replace(whole, cells=whole.cells[once].assign(schema=schema))
    assert 0 < len(less.cells) < len(whole.cells)
    for line, claim in zip(read(folder, "ledger.json"), ONE_RATE.claims, strict=True):
        assert line["verdict"] != "invalid", line["reason"]
        expected = ONE_RATE.estimate(claim, less)
        assert (line["estimate"], line["low"], line["high"]) == (expected.value, expected.low, expected.high)
    before = contents(folder)
    with pytest.raises(StoreError, match=r"earlier version.*its results stand.*judge or report it.*another --out"):
        ran(ONE_RATE, folder)
    assert contents(folder) == before and not trained


def test_a_run_of_a_version_to_come_is_refused(copied):
    aged(copied, SCHEMA + 1)
    readable = ", ".join(map(str, sorted((*EARLIER, SCHEMA))))
    with pytest.raises(StoreError, match=rf"cells of schema {SCHEMA + 1}: this one reads {readable}; use the version"):
        rejudge(copied, None, QUIET)


def test_a_run_without_cells_is_not_judged(copied):
    for part in (copied / "parts").iterdir():
        part.unlink()
    with pytest.raises(StoreError, match=r"holds no finished cell of its experiment.*run it to its end"):
        rejudge(copied, None, QUIET)


def test_a_finished_run_under_new_words_is_told_anew(copied, trained):
    """The folder says one thing: what the spec is called, the page is."""
    ran(msgspec.structs.replace(JUDGED, name="other", question="New?"), copied)
    page = (copied / "report.html").read_text()
    assert "<h1>other" in page and "New?" in page and read(copied, "spec.json")["name"] == "other"
    assert trained == []


def test_a_table_without_its_checksum_is_no_table_of_the_run(copied):
    (copied / "cells.parquet").write_bytes(b"garbage\n")
    with pytest.raises(StoreError, match=r"cells.parquet is damaged.*delete it and run again"):
        ran(JUDGED, copied)
