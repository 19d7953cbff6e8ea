"""The whole path, once: what it leaves, what a second run redoes, and what may go wrong without a crash."""

import json
import subprocess
import sys

import jax
import msgspec
import numpy as np
import pandas as pd
import pytest

from testbed.ground.options import Options
from testbed.judging import rejudge, rewrite_report
from testbed.measure.contexts import reference
from testbed.predictors import PartitionTree
from testbed.study import decode
from testbed.terminal.console import Console
from tests.presets import CLAIMS, JUDGED, OTHER_CLAIMS, REFERENCES
from tests.report.reading import check_page
from tests.shared.tables import same_tables
from tests.studies.grid.common import QUIET, ROOT, contents, ran, read


def test_the_path_leaves_everything(finished):
    left = {path.name for path in finished.iterdir()}
    assert {"report.html", "ledger.json", "cells.parquet", "spec.json", "provenance.json", "truth.json"} <= left
    digests = {path.stem for path in (finished / "parts").iterdir()}
    assert len(digests) == JUDGED.cell_count == 60
    assert digests == set(pd.read_parquet(finished / "cells.parquet")["digest"])
    assert not list((finished / "snapshots").iterdir())
    assert not list(finished.rglob(".unfinished-*"))


def test_the_saved_spec_is_the_experiment(finished):
    assert decode((finished / "spec.json").read_bytes()) == JUDGED


def test_the_ledger_judges_every_claim(finished):
    lines = read(finished, "ledger.json")
    for line, claim in zip(lines, CLAIMS, strict=True):
        for name in ("id", "sentence", "section", "quantity", "level"):
            assert line[name] == getattr(claim, name)
        assert line["region"] == [claim.low, claim.high]
        assert line["verdict"] in {"supported", "refuted", "undecided", "invalid"}
        assert line["method"]
        assert line["reason"]
    floor, identity = lines[:2]
    assert floor["low"] <= floor["estimate"] <= floor["high"]
    assert floor["n"] > 1
    assert (identity["verdict"], identity["n"]) == ("supported", 6)


def test_the_report_names_every_claim_and_verdict(finished):
    text = (finished / "report.html").read_text()
    for line in read(finished, "ledger.json"):
        assert line["sentence"] in text
        assert line["verdict"] in text


def test_the_report_stands_alone_and_the_files_it_links_are_beside_it(finished):
    found = check_page((finished / "report.html").read_text())
    assert all((finished / name).is_file() for name in found.files)


def test_provenance_says_what_the_run_was_made_with(finished):
    (made,) = read(finished, "provenance.json")
    assert made["versions"]["jax"] == jax.__version__
    assert {"python", "numpy", "flax", "optax", "testbed"} <= set(made["versions"])
    assert made["devices"]
    assert made["seed"] == JUDGED.seed
    assert made["settings"] == msgspec.to_builtins(Options(simulations=0))


def test_the_truth_is_the_worlds(finished):
    truth = read(finished, "truth.json")
    assert truth == json.loads(msgspec.json.encode(JUDGED.world.truth(JUDGED.model.context)))
    assert truth["epsilon"]["value"] == pytest.approx(np.mean([each["value"] for each in truth["curve"]]))


def test_a_second_run_trains_nothing_and_says_so(copied, trained, capsys):
    before = contents(copied)
    spec = (copied / "spec.json").read_bytes()
    verdicts = ran(JUDGED, copied, Console())
    assert "Nothing to do" in capsys.readouterr().out
    assert trained == []
    assert contents(copied) == before
    assert (copied / "spec.json").read_bytes() == spec
    assert [verdict.id for verdict in verdicts] == [claim.id for claim in CLAIMS]


def test_other_claims_are_judged_without_training(copied, trained):
    parts = contents(copied / "parts")
    rejudge(copied, OTHER_CLAIMS, QUIET)
    assert trained == []
    assert contents(copied / "parts") == parts
    lines = {line["id"]: line for line in read(copied, "ledger.json")}
    assert lines.keys() == {"broken", "sizes"}
    assert lines["broken"]["verdict"] == "refuted"
    assert decode((copied / "spec.json").read_bytes()).claims == OTHER_CLAIMS
    assert ran(msgspec.structs.replace(JUDGED, claims=OTHER_CLAIMS), copied)
    assert trained == []


def test_a_run_with_other_claims_trains_nothing(copied, trained):
    parts = contents(copied / "parts")
    verdicts = ran(msgspec.structs.replace(JUDGED, claims=OTHER_CLAIMS, name="renamed"), copied)
    assert [verdict.id for verdict in verdicts] == ["broken", "sizes"]
    assert trained == []
    assert contents(copied / "parts") == parts


@pytest.mark.parametrize(
    "words", [["judge"], ["judge", "--claims-of", "tests/presets.py", "--preset", "other"], ["report"]]
)
def test_judging_needs_no_trainer(copied, words):
    script = (
        "import sys; from testbed.cli import main; status = main(sys.argv[1:]); "
        "print('loaded:', {'flax', 'optax', 'testbed.train'} & set(sys.modules)); sys.exit(status)"
    )
    asked = [sys.executable, "-c", script, words[0], str(copied), *words[1:]]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "loaded: set()" in done.stdout


def test_rejudging_gives_the_ledger_of_the_run(copied):
    before = read(copied, "ledger.json")
    rejudge(copied, None, QUIET)
    assert read(copied, "ledger.json") == before
    (copied / "report.html").unlink()
    rewrite_report(copied, QUIET)
    assert CLAIMS[0].sentence in (copied / "report.html").read_text()
    assert read(copied, "ledger.json") == before


@pytest.mark.parametrize("at", [0, 11, 23])
def test_a_removed_part_is_redone_alone(copied, finished, trained, at):
    lost = sorted((copied / "parts").iterdir())[at]
    lost.unlink()
    others = contents(copied / "parts")
    ran(JUDGED, copied)
    assert [cell.digest for cell in trained] == [lost.stem]
    assert {path: when for path, when in contents(copied / "parts").items() if path != lost} == others
    assert same_tables(copied, finished)
    assert read(copied, "ledger.json") == read(finished, "ledger.json")


def test_the_references_are_measured_on_the_reported_windows(finished):
    """By hand: a symbol's count and a half over all counts, against the Bayes predictive of the second half."""
    shared = reference(JUDGED.world, sequences=8, length=JUDGED.model.context, seed=JUDGED.seed)
    k_BL = np.zeros((4, JUDGED.model.context))
    for b, (tokens_L, logp_LV) in enumerate(zip(shared.tokens_BL[4:], shared.logp_BLV[4:], strict=True)):
        for t in range(len(tokens_L)):
            q_V = (np.bincount(tokens_L[:t], minlength=6) + 0.5) / (t + 3)
            k_BL[b, t] = np.exp(logp_LV[t]) @ (logp_LV[t] - np.log(q_V))
    table = pd.read_parquet(finished / "references.parquet")
    assert table["predictor"].to_list() == [predictor.label for predictor in REFERENCES]
    np.testing.assert_allclose(table["kl_B"][0], k_BL.mean(1), rtol=1e-12)
    np.testing.assert_allclose(table["kl_L"][0], k_BL.mean(0), rtol=1e-12)
    np.testing.assert_allclose(table["error_L"][0], k_BL.std(0, ddof=1) / 2, rtol=1e-12)
    text = (finished / "report.html").read_text()
    assert f"<td>{REFERENCES[1].label}</td>" in text and f"{k_BL.mean():.4g}</td>" in text


def test_other_references_are_measured_without_training(copied, trained):
    parts, table = contents(copied / "parts"), pd.read_parquet(copied / "references.parquet")
    other = msgspec.structs.replace(JUDGED, references=(PartitionTree(), *REFERENCES[1:]))
    ran(other, copied)
    assert trained == [] and contents(copied / "parts") == parts
    found = pd.read_parquet(copied / "references.parquet")
    assert found["predictor"].to_list() == ["partition tree, order 0", "context tree, depth 2"]
    np.testing.assert_array_equal(found["kl_B"][1], table["kl_B"][1])
    assert "partition tree, order 0" in (copied / "report.html").read_text()
    assert decode((copied / "spec.json").read_bytes()) == other
    before = contents(copied)
    ran(other, copied)
    assert contents(copied) == before


def test_a_run_from_before_there_were_references_is_judged_and_reported(copied, trained):
    (copied / "references.parquet").unlink()
    spec = read(copied, "spec.json")
    del spec["references"]
    (copied / "spec.json").write_text(json.dumps(spec))
    before = read(copied, "ledger.json")
    rejudge(copied, None, QUIET)
    assert read(copied, "ledger.json") == before
    text = (copied / "report.html").read_text()
    assert "the run was made before there were any" in text and REFERENCES[1].label not in text
    ran(msgspec.structs.replace(JUDGED, references=()), copied)
    assert not (copied / "references.parquet").exists()
    ran(JUDGED, copied)
    assert (copied / "references.parquet").exists() and trained == []
