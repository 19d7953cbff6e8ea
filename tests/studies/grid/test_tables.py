"""Law: the tables of a run have what their page says, in the units that it says, and CSV holds what Parquet does."""

import csv
import re

import numpy as np
import pandas as pd
import pytest

import testbed
from testbed.cell import PILOTS
from testbed.judging import left
from testbed.store import Store, StoreError
from testbed.studies.grid.compute import CURVES, attained, cells, compute, curves
from testbed.studies.grid.measures.endless import Endless
from testbed.studies.grid.measures.trainings_signal import TrainingsSignal
from tests.presets import JUDGED
from tests.shared.small import EXPERIMENT
from tests.studies.grid.common import ran, told_columns
from tests.studies.grid.planted_ensemble import Planted
from tests.studies.grid.synthetic import World, analysis

LEVEL = 0.95


@pytest.fixture(scope="module")
def run(finished):
    return testbed.open(finished)


@pytest.mark.parametrize("name", ["cells", "learning_curves", "compute", "estimates", "loss_parts", "diagnostics"])
def test_every_column_is_told(run, name):
    assert sorted(run.tables[name]) == sorted(told_columns()[name])


MEASURED = ["floors", "ensemble_split", "ensemble_positions", "ensemble_contexts_signal", "ensemble_capability"]


@pytest.mark.parametrize("name", [*MEASURED, "references"])
def test_every_column_of_a_measure_is_told(finished, name):
    table = pd.read_parquet(finished / f"{name}.parquet")
    assert len(table) and sorted(table) == sorted(told_columns()[name])


@pytest.mark.parametrize("measure", [Endless, TrainingsSignal])
def test_every_column_that_takes_three_replicates_is_told(measure):
    ensemble = Planted(replicates=3)
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", measure.__name__).lower()
    for row in measure.observe(ensemble):
        assert sorted(told_columns()[f"ensemble_{name}"]) == sorted(["parameters", "role", "tokens", *row])
    assert not measure.observe(Planted(replicates=2))


def same(text, value):
    """Whether a word of CSV is a value of a table: floats to the last bit, nothing for what is no number."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return text == ""
    return text == str(value) if isinstance(value, bool | np.bool_ | str) else float(text) == float(value)


def test_every_table_lies_there_as_parquet_and_as_csv(finished):
    assert all((finished / name).is_file() for name in left(JUDGED)) and len(left(JUDGED)) == 12
    for name in JUDGED.tables:
        table = pd.read_parquet(finished / name)
        with (finished / name).with_suffix(".csv").open(newline="") as lines:
            sheet = list(csv.DictReader(lines))
        plain = [column for column in table if not re.search(r"_CB?$", column)]
        assert list(sheet[0]) == plain and len(sheet) == len(table) > 0
        for line, row in zip(sheet, table[plain].itertuples(index=False), strict=True):
            assert all(map(same, line.values(), row)), (name, line)


def test_a_word_that_differs_is_seen():
    """The liar: a float whose last bit is another, a number for nothing, a flag turned."""
    assert not same("0.3", 0.1 + 0.2) and not same("0.0", np.nan) and not same("False", True) and same("", np.nan)


def test_flops_are_those_of_a_count_by_hand(run):
    """Width 8, two heads of four, hidden 32, one layer, context 16, six symbols; 32 steps of four windows."""
    n, width, hidden, symbols = 16, 8, 32, 6
    projections = 4 * width * width
    attention = 2 * n * width
    forward = 2 * (projections + attention + 2 * width * hidden + width * symbols)
    tokens = 32 * 4 * n
    found = run.tables["cells"].query("label == 'w8' and horizon == 32")
    assert len(found) and (found["tokens_seen"] == tokens).all()
    assert (found["flops_per_token"] == 3 * forward).all() and (found["flops"] == 3 * forward * tokens).all()
    assert found["flops"].dtype == np.int64 and (run.tables["cells"]["seconds"] > 0).all()


def test_the_curves_have_a_row_for_each_evaluated_step_of_every_cell(run):
    table, long = run.tables["cells"], run.tables["learning_curves"]
    wanted = {(row.digest, step) for row in table.itertuples() for step in row.step_C}
    assert len(long) == len(wanted) and set(zip(long["digest"], long["step"], strict=True)) == wanted
    assert run.study.training.stopping == "best"  # so that the second half of the windows is reported
    kept = long.set_index(["digest", "step"]).loc[list(zip(table["digest"], table["kept_step"], strict=True))]
    for name in ("K", "K_se", "CE"):
        assert kept[name].to_numpy() == pytest.approx(table[name].to_numpy(), rel=1e-12), name
    row = table.iloc[7]
    own = long[long["digest"] == row["digest"]]
    kl_CB = np.stack(row["kl_CB"])[:, 4:]
    assert own["K"].to_numpy() == pytest.approx(kl_CB.mean(1))
    assert own["K_se"].to_numpy() == pytest.approx(kl_CB.std(1, ddof=1) / 2)
    assert own["CE"].to_numpy() == pytest.approx(np.stack(row["ce_CB"])[:, 4:].mean(1))
    assert own["train_loss"].tolist() == list(row["train_loss_C"])
    assert own["tokens_seen"].tolist() == [64 * step for step in row["step_C"]]
    assert own["flops"].tolist() == [row["flops_per_token"] * 64 * step for step in row["step_C"]]


def test_every_size_and_data_has_one_chosen_rate_and_only_reported_cells_can_be_optimal(run):
    table = run.tables["cells"]
    pilots = table["role"].isin(PILOTS)
    assert table.loc[~pilots, "rate_chosen"].all() and not table.loc[pilots, "compute_optimal"].any()
    chosen = table[pilots & table["rate_chosen"]].groupby(["parameters", "role", "tokens", "horizon"])["learning_rate"]
    assert len(chosen) == len(EXPERIMENT.tuned()) and (chosen.nunique() == 1).all()


def test_flags_are_right_on_a_planted_table():
    """The rate 3e-3 is best by construction; on fresh data K of a size is lower, and of a larger size lower still."""
    world = World(noise=0.0, stored_noise=0.0, sequences=8)
    planted = analysis(world)
    spent = compute(planted, level=LEVEL)
    table = cells(planted, spent)
    assert set(table.loc[table["rate_chosen"], "learning_rate"]) == {3e-3}
    assert not table.loc[table["learning_rate"] != 3e-3, "rate_chosen"].any()
    ends = {(size, horizon): world.online(size, horizon) for size in world.sizes for horizon in world.rungs}
    cost = {key: 6 * key[0] * key[1] * 32 * 64 for key in ends}
    best = {key for key in ends if all(ends[key] <= k for other, k in ends.items() if cost[other] <= cost[key])}
    optimal = table[table["compute_optimal"] & (table["role"] == "online")]
    found = set(zip(optimal["parameters"], optimal["horizon"], strict=True))
    assert found and found <= best and (max(world.sizes), world.horizon) in found
    assert len(optimal) == world.replicates * len(found) and set(optimal["flops"]) == {cost[key] for key in found}
    on = spent[spent["frontier"]]
    assert on["flops"].is_monotonic_increasing and (np.diff(on["K"]) < 0).all()
    for row in spent[~spent["frontier"]].itertuples():
        assert on.loc[on["flops"] <= row.flops, "K"].min() <= row.K
    assert (spent["low"] <= spent["K"]).all() and (spent["K"] <= spent["high"]).all()


def test_what_is_not_finite_is_on_no_frontier():
    found = attained(pd.DataFrame({"flops": [1, 2, 3, 4], "K": [np.nan, np.inf, 0.5, 0.6]}))
    assert found["frontier"].tolist() == [False, False, True, False]


def test_a_cell_that_diverged_has_its_rows_and_no_k(run):
    planted = analysis(World(sequences=8))
    where = planted.cells.index[planted.cells["status"] == "diverged"][0]
    planted.cells.at[where, "kept_step"] = 0
    table, long = cells(planted, compute(planted, level=LEVEL)), curves(planted)
    assert np.isnan(table.at[where, "K"]) and table["K"].notna().sum() == len(table) - 1
    assert list(long) == CURVES and len(long) == 5 * len(table)


def test_an_altered_sheet_is_told_and_made_anew(copied, trained):
    sheet = copied / "compute.csv"
    sound = sheet.read_text()
    sheet.write_text(sound.replace("online", "stored", 1))
    with pytest.raises(StoreError, match=r"compute.csv is damaged \(it is not what compute.parquet holds\): delete it"):
        ran(JUDGED, copied)
    sheet.unlink()
    ran(JUDGED, copied)
    assert sheet.read_text() == sound and trained == []


def test_a_sheet_of_ones_own_is_left_alone(copied):
    (copied / "floors.csv").write_text("mine\n")
    ran(JUDGED, copied)
    assert (copied / "floors.csv").read_text() == "mine\n"


def test_a_kill_between_table_and_text_leaves_no_text_of_other_numbers(copied, monkeypatch):
    store = Store.existing(copied)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("testbed.store.derived.atomically", killed)
    with pytest.raises(KeyboardInterrupt):
        store.write_sheet("compute.parquet", pd.DataFrame({"flops": [1]}))
    monkeypatch.undo()
    assert not (copied / "compute.csv").exists() and len(store.read_frame("compute.parquet")) == 1
    ran(JUDGED, copied)
    assert len(pd.read_csv(copied / "compute.csv")) == len(store.read_frame("compute.parquet")) > 1
