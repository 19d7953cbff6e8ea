"""The whole path, once: what it leaves, what a second run redoes, and what may go wrong without a crash."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pandas as pd
import pytest

from testbed import pipeline
from testbed.console import Console
from testbed.judging import derived, rejudge, rewrite_report
from testbed.measure.contexts import reference
from testbed.model.size import size
from testbed.pipeline import run
from testbed.predictors import PartitionTree
from testbed.spec import EARLIER, SCHEMA, Training, decode
from testbed.store import Store, StoreError
from testbed.train import buckets
from testbed.training import Options
from tests.aged import aged
from tests.presets import CLAIMS, JUDGED, OTHER_CLAIMS, REFERENCES
from tests.report.reading import check_page
from tests.tables import same_parameters, same_tables

ROOT = Path(__file__).parents[1]
ROUNDING = 2e-5
QUIET = Console(quiet=True)
MODELS = {size(model).parameters: model for model in JUDGED.models}
PREDICT = {size(model).parameters: jax.jit(jax.vmap(model.logits, in_axes=(None, 0))) for model in JUDGED.models}


def ran(experiment, folder, console=QUIET):
    return run(experiment, folder, Options(), console)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    ran(JUDGED, folder)
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def trained(monkeypatch):
    """The cells that are trained from now on."""
    cells, train = [], buckets.train

    def spy(bucket, *arguments, **named):
        cells.extend(bucket.cells)
        return train(bucket, *arguments, **named)

    monkeypatch.setattr(buckets, "train", spy)
    return cells


def read(folder, name):
    return json.loads((folder / name).read_text())


def contents(folder):
    """Every file with its time of change, the spec's apart: it is written anew by every run, with the same words."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != "spec.json"}


def test_the_path_leaves_everything(finished):
    left = {path.name for path in finished.iterdir()}
    assert {"report.html", "ledger.json", "cells.parquet", "spec.json", "provenance.json", "truth.json"} <= left
    digests = {path.stem for path in (finished / "parts").iterdir()}
    assert len(digests) == JUDGED.cell_count == 28
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
    assert made["settings"] == msgspec.to_builtins(Options())


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


def test_parts_differ_between_seeds(tmp_path, finished):
    """The liar: a run of another seed, which the comparison of tables must tell from this one."""
    other = msgspec.structs.replace(JUDGED, seed=1)
    ran(other, tmp_path / "run")
    store, first = Store.existing(tmp_path / "run").cells(), Store.existing(finished).cells()
    assert not set(store["digest"]) & set(first["digest"])
    assert np.stack(store["kl_CB"][0]).shape[1] == 8
    assert not np.isclose(np.stack(store["kl_CB"][0])[0, 0], np.stack(first["kl_CB"][0])[0, 0], atol=ROUNDING)
    assert not same_tables(tmp_path / "run", finished)


def test_every_diverging_rate_is_recorded_not_raised(tmp_path, trained):
    wild = msgspec.structs.replace(JUDGED, training=Training(steps=32, ratio=2, learning_rates=(1e30,)))
    verdicts = ran(wild, tmp_path / "run")
    assert {verdict.verdict for verdict in verdicts} == {"invalid"}
    cells = Store.existing(tmp_path / "run").cells()
    assert set(cells["status"]) == {"diverged"}
    assert all("not finite at step" in sentence for sentence in cells["sentence"])
    assert "1e+30" in cells["sentence"][0]
    assert len(cells) == len(wild.pilot_cells())
    assert "invalid" in (tmp_path / "run" / "report.html").read_text()
    done = len(trained)
    assert {verdict.verdict for verdict in ran(wild, tmp_path / "run")} == {"invalid"}
    assert len(trained) == done


def test_a_size_that_diverges_everywhere_spoils_no_other(tmp_path, finished, monkeypatch):
    larger, lane = JUDGED.models[1], buckets.lane
    rising = lambda cell: lane(msgspec.structs.replace(cell, learning_rate=1e30) if cell.model == larger else cell)  # noqa: E731
    monkeypatch.setattr(buckets, "lane", rising)
    verdicts = ran(JUDGED, tmp_path / "run")
    assert {verdict.verdict for verdict in verdicts} == {"invalid"}
    cells = Store.existing(tmp_path / "run").cells()
    lost = size(larger).parameters
    assert set(cells[cells["parameters"] == lost]["status"]) == {"diverged"}
    assert set(cells[cells["parameters"] != lost]["status"]) == {"finished"}
    sound = Store.existing(finished).cells()
    sound = sound[sound["parameters"] != lost].set_index("digest")
    for row in cells[cells["parameters"] != lost].itertuples():
        np.testing.assert_array_equal(np.stack(row.kl_CB), np.stack(sound.loc[row.digest, "kl_CB"]))
    failed = [check["sentence"] for check in read(tmp_path / "run", "checks.json") if not check["passed"]]
    assert any(str(lost) in sentence and "diverged" in sentence for sentence in failed)


def kept_k(row, half=None):
    """K of the kept checkpoint of a row of cells.parquet, averaged over windows from ``half`` on."""
    at = list(row.step_C).index(row.kept_step)
    return float(np.stack(row.kl_CB).astype(np.float64)[at, half:].mean())


def test_the_learning_rate_is_the_one_the_pilots_chose(finished):
    cells = pd.read_parquet(finished / "cells.parquet")
    pilots = {cell.digest for cell in JUDGED.pilot_cells()}
    for parameters in MODELS:
        own = cells[cells["parameters"] == parameters]
        tried = own[own["digest"].isin(pilots)]
        scores = {
            rate: np.mean([kept_k(row) for row in group.itertuples()]) for rate, group in tried.groupby("learning_rate")
        }
        assert len(scores) == 2
        rest = own[~own["digest"].isin(pilots)]
        assert set(rest["learning_rate"]) == {min(scores, key=scores.get)}


def test_the_stored_parameters_give_the_stored_numbers(finished):
    store = Store.existing(finished)
    shared = reference(JUDGED.world, sequences=8, length=JUDGED.model.context, seed=JUDGED.seed)
    for row in store.cells().iloc[::4].itertuples():
        model, arrays = MODELS[row.parameters], store.parameters(row.digest)
        template = model.init(key=jax.random.key(0))
        leaves, structure = jax.tree_util.tree_flatten_with_path(template)
        params = jax.tree.unflatten(structure, [jnp.asarray(arrays[jax.tree_util.keystr(path)]) for path, _ in leaves])
        z_BLV = np.asarray(PREDICT[row.parameters](params, jnp.asarray(shared.tokens_BL)), np.float64)
        logp_BLV = z_BLV - np.log(np.exp(z_BLV).sum(-1, keepdims=True))
        k_B = (np.exp(shared.logp_BLV) * (shared.logp_BLV - logp_BLV)).sum(-1).mean(-1)
        at = list(row.step_C).index(row.kept_step)
        np.testing.assert_allclose(k_B, np.stack(row.kl_CB)[at], atol=ROUNDING)
        ce_B = -np.take_along_axis(logp_BLV, shared.tokens_BL[..., None], -1)[..., 0].mean(-1)
        np.testing.assert_allclose(ce_B, np.stack(row.ce_CB)[at], atol=ROUNDING)


def test_the_split_adds_up_to_the_loss(finished):
    table = pd.read_parquet(finished / "estimates.parquet")
    cells = pd.read_parquet(finished / "cells.parquet")
    ensembles = pd.read_parquet(finished / "ensemble_split.parquet")
    longest = cells[cells["horizon"] == JUDGED.training.steps]
    for (parameters, role, tokens), group in longest.groupby(["parameters", "role", "tokens"]):
        mean_k = np.mean([kept_k(row, 4) for row in group.itertuples()])
        own = table[table["parameters"] == parameters].set_index("quantity")
        parts = own.loc["B", "value"] + own.loc["gap", "value"]
        if role == "stored":
            parts += own[own["tokens"] == tokens].loc["V", "value"]
        assert parts == pytest.approx(mean_k, abs=1e-9)
        ensemble = ensembles.query("parameters == @parameters and role == @role and tokens == @tokens").iloc[0]
        assert ensemble["center"] + ensemble["spread"] == pytest.approx(ensemble["mean_kl"], abs=1e-9)
        assert ensemble["mean_kl"] == pytest.approx(mean_k, abs=ROUNDING)


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
    names, store = [name for name in derived(JUDGED) if name != "provenance.json"], Store.existing(copied)
    assert {path.name for path in finished.iterdir() if path.is_file()} == {
        *names,
        ".lock",
        "spec.json",
        "declared.json",
        "provenance.json",
        "run.json",
    }
    assert pipeline._settled(store, JUDGED)
    for name in names:
        path = copied / name
        sound = path.read_bytes()
        path.write_bytes(sound[:-200] + bytes([sound[-200] ^ 1]) + sound[-199:])
        if name != "report.html":  # for people, and never read back
            with pytest.raises(StoreError, match=f"{name} is damaged.*delete it and run again"):
                ran(JUDGED, copied)
        path.unlink()
        assert not pipeline._settled(store, JUDGED), name
        path.write_bytes(sound)
    assert pipeline._settled(store, JUDGED)
    for name in names:
        (copied / name).unlink()
    ran(JUDGED, copied)
    assert trained == [] and pipeline._settled(store, JUDGED)
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
    assert pipeline._settled(Store.existing(tmp_path / "run"), JUDGED)
    assert not list((tmp_path / "run").rglob(".unfinished-*")) + list((tmp_path / "run" / "snapshots").iterdir())


@pytest.mark.parametrize("schema", EARLIER)
def test_a_run_of_an_earlier_version_is_judged_and_reported_and_not_gone_on_with(finished, copied, trained, schema):
    aged(copied, schema)
    rejudge(copied, None, QUIET)
    rewrite_report(copied, QUIET)
    assert read(copied, "ledger.json") == read(finished, "ledger.json")
    before = contents(copied)
    with pytest.raises(StoreError, match=r"earlier version.*its results stand.*judge or report it.*another --out"):
        ran(JUDGED, copied)
    assert contents(copied) == before and not trained


def test_a_run_of_a_version_to_come_is_refused(copied):
    aged(copied, SCHEMA + 1)
    with pytest.raises(StoreError, match=rf"cells of schema {SCHEMA + 1}: this one reads 2, {SCHEMA}; use the version"):
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
