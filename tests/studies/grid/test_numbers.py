"""The numbers of a run: by hand from what is stored, and what divergence does to them."""

import functools

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pandas as pd
import pytest

from testbed.cell import PILOTS
from testbed.measure.contexts import reference
from testbed.model import forward
from testbed.model.initial import init
from testbed.model.size import size
from testbed.store import Store
from testbed.studies.grid.layout import Training
from testbed.train import buckets
from tests.presets import JUDGED
from tests.shared.tables import same_tables
from tests.studies.grid.common import ran, read

ROUNDING = 2e-5
MODELS = {size(model).parameters: model for model in JUDGED.models}
PREDICT = {
    size(model).parameters: jax.jit(functools.partial(forward.logits_of_batch, model)) for model in JUDGED.models
}


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
    wild = lambda cell: msgspec.structs.replace(cell, learning_rate=1e30) if cell.model == larger else cell  # noqa: E731
    rising = lambda cell, place: lane(wild(cell), place)  # noqa: E731
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


def kept_k(row, half=slice(4)):
    """K of the kept checkpoint of a row of cells.parquet, averaged over one half of the 8 windows."""
    at = list(row.step_C).index(row.kept_step)
    return float(np.stack(row.kl_CB).astype(np.float64)[at, half].mean())


def test_the_learning_rate_is_the_one_the_pilots_chose(finished):
    """For each size with each horizon and each D: the smallest within one standard error of the lowest mean."""
    cells = pd.read_parquet(finished / "cells.parquet")
    keys = ["parameters", "stored", "horizon", "tokens"]
    cells = cells.assign(stored=cells["role"].str.startswith("stored"))
    pilots = cells["role"].isin(PILOTS)
    rest = cells[~pilots].groupby(keys)["learning_rate"].unique()
    assert len(rest) == len(JUDGED.tuned())
    chosen = {}
    for key, tried in cells[pilots].groupby(keys):
        scores = {rate: [kept_k(row) for row in group.itertuples()] for rate, group in tried.groupby("learning_rate")}
        assert {len(k_R) for k_R in scores.values()} == {JUDGED.training.pilots} and len(scores) == 2
        best = min(scores.values(), key=np.mean)
        allowed = np.mean(best) + np.std(best, ddof=1) / np.sqrt(len(best))
        chosen[key] = min(rate for rate, k_R in scores.items() if np.mean(k_R) <= allowed)
        assert list(rest[key]) == [chosen[key]]
    assert len(set(chosen.values())) == 2


def test_the_stored_parameters_give_the_stored_numbers(finished):
    store = Store.existing(finished)
    shared = reference(JUDGED.world, sequences=8, length=JUDGED.model.context, seed=JUDGED.seed)
    for row in store.cells().iloc[::4].itertuples():
        model, arrays = MODELS[row.parameters], store.parameters(row.digest)
        template = init(model, key=jax.random.key(0))
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
    longest = cells[(cells["horizon"] == JUDGED.training.steps) & ~cells["role"].isin(PILOTS)]
    for (parameters, role, tokens), group in longest.groupby(["parameters", "role", "tokens"]):
        mean_k = np.mean([kept_k(row, slice(4, None)) for row in group.itertuples()])
        own = table[table["parameters"] == parameters].set_index("quantity")
        above = own[own["tokens"] == tokens].loc["V"] if role == "stored" else own.loc["gap"]
        clipped = above["value"] in (above["low"], above["high"])  # no V is negative, whatever noise says
        assert clipped or own.loc["B", "value"] + above["value"] == pytest.approx(mean_k, abs=1e-9)
        ensemble = ensembles.query("parameters == @parameters and role == @role and tokens == @tokens").iloc[0]
        assert ensemble["center"] + ensemble["spread"] == pytest.approx(ensemble["mean_kl"], abs=1e-9)
        assert ensemble["mean_kl"] == pytest.approx(mean_k, abs=ROUNDING)
