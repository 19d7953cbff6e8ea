"""Cells to parts: hand-made tables whose answers are known, and every way in which a table can fall short."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from testbed.cell import PILOTS
from testbed.stats.identified import told
from testbed.studies.grid.bounds import bounds
from testbed.studies.grid.estimates.variance import variance_exponent
from testbed.studies.grid.parts import components, curves, estimates, excess, groups, loss_parts
from testbed.studies.grid.rates import chosen_rates
from testbed.studies.grid.variance import law, variances
from tests.studies.grid.synthetic import Saturating, World, analysis

LEVEL = 0.95
QUIET = World(noise=1e-6, stored_noise=1e-6, spread=1e-6)


def without(run, keep):
    return dataclasses.replace(run, cells=run.cells[keep(run.cells)].reset_index(drop=True))


def test_the_learning_rate_is_that_of_lowest_k_and_never_one_that_diverged():
    run = analysis(World())
    assert chosen_rates(run.cells) == dict.fromkeys(run.rates, 3e-3)
    assert len(run.rates) == len(World().sizes) * (len(World().rungs) + len(World().tokens))
    cheap = run.cells.copy()
    diverged = cheap["learning_rate"] == 1e-2
    cheap.loc[diverged, "kl_CB"] = cheap.loc[diverged, "kl_CB"].map(lambda kl_CB: kl_CB / 100)
    assert chosen_rates(cheap) == dict.fromkeys(run.rates, 3e-3)
    cheap["status"] = "finished"
    assert chosen_rates(cheap) == dict.fromkeys(run.rates, 1e-2)
    assert chosen_rates(run.cells.assign(status="diverged")) == {}


def test_nothing_that_is_reported_chooses_the_rate():
    run = analysis(World())
    half = World().sequences // 2
    spoilt = run.cells.copy()
    best = spoilt["learning_rate"] == 3e-3
    spoilt.loc[best & (~spoilt["role"].isin(PILOTS)), "kl_CB"] = spoilt["kl_CB"].map(lambda kl_CB: kl_CB * 1e3)
    late = best & (spoilt["role"].isin(PILOTS))
    spoilt.loc[late, "kl_CB"] = spoilt["kl_CB"].map(lambda kl_CB: np.hstack([kl_CB[:, :half], kl_CB[:, half:] * 1e3]))
    assert chosen_rates(spoilt) == run.rates
    assert set(run.kept["role"]) == {"online", "stored"}
    assert chosen_rates(run.cells[~run.cells["role"].isin(PILOTS)]) == {}


def test_planted_parts_are_found():
    run = analysis(QUIET)
    for size in QUIET.sizes:
        found = bounds(run, size, level=LEVEL)
        assert found.bias.low <= QUIET.bias(size) <= found.bias.high
        assert found.bias.value == pytest.approx(QUIET.bias(size), rel=1e-3)
        assert found.optimisation.value == pytest.approx(QUIET.gap * QUIET.bias(size), rel=1e-2)
        assert found.share.value == pytest.approx(1 - 1 / (1 + QUIET.gap), rel=1e-2)
    measured = variances(run, QUIET.sizes, level=LEVEL)
    planted = [QUIET.variance(size, tokens) for size, tokens in measured.points]
    assert np.allclose(measured.above("value").mean_Q, planted, rtol=1e-3, atol=1e-4)
    found = law(measured, "value")
    assert found.exponent.value == pytest.approx(1, abs=1e-2)
    assert np.allclose(found.constants_G, [400 * (size / 1000) ** 0.3 for size in QUIET.sizes], rtol=0.1)


def test_the_parts_of_the_loss_add_up_exactly():
    run = analysis(World())
    table = loss_parts(run, level=LEVEL)
    assert np.allclose(table[["epsilon", "bias", "gap", "variance"]].sum(axis=1), table["loss"], rtol=0, atol=1e-14)
    for row in table.itertuples():
        (group,) = [
            cells for role, tokens, cells in groups(run, row.parameters) if (role, tokens) == (row.role, row.tokens)
        ]
        assert row.loss == pytest.approx(run.epsilon + np.mean([kl_B.mean() for kl_B in group["kl_B"]]), abs=1e-12)


def test_bars_tell_where_bias_and_gap_are_not_told_apart():
    run = analysis(World())
    assert not loss_parts(analysis(QUIET), level=LEVEL)["bound_only"].any()
    short = without(run, lambda cells: (cells["horizon"] > 300) | (cells["role"] == "stored"))
    assert loss_parts(short, level=LEVEL)["bound_only"].all()


def test_best_checkpoints_are_read_on_the_second_half_only():
    run = analysis(World())
    spoilt = run.cells.copy()
    half = World().sequences // 2
    for column in ("kl_CB", "ce_CB"):
        spoilt[column] = [np.hstack([np.full_like(x[:, :half], np.nan), x[:, half:]]) for x in spoilt[column]]
    second = dataclasses.replace(run, stopping="best")
    assert len(second.kept["kl_B"].iloc[0]) == half
    honest = dataclasses.replace(run, cells=run.cells, stopping="best")
    table = estimates(honest, level=LEVEL)
    values = [np.stack(cells["kl_B"].to_list()).mean() for _, _, cells in groups(honest, 1000)]
    expected = [np.mean([kl_CB[-1, half:].mean() for kl_CB in cells["kl_CB"]]) for _, _, cells in groups(honest, 1000)]
    assert np.allclose(values, expected) and table["value"].notna().all()


def test_the_kept_checkpoint_is_read_not_the_last():
    run = analysis(QUIET)
    early = dataclasses.replace(
        run, cells=run.cells.assign(kept_step=run.cells["step_C"].map(lambda step_C: int(step_C[2])))
    )
    ratio = np.array([row.kl_B.mean() for row in early.kept.itertuples()]) / [
        row.kl_B.mean() for row in run.kept.itertuples()
    ]
    assert np.allclose(ratio, 2.0)


def test_excess_stands_beside_k_and_counts_the_error_of_epsilon():
    run = analysis(World())
    group = groups(run, 1000)[-1][2]
    found = excess(run, group, level=LEVEL)
    vague = excess(dataclasses.replace(run, epsilon_error=0.5), group, level=LEVEL)
    assert found.low < np.mean([kl_B.mean() for kl_B in group["kl_B"]]) < found.high
    assert vague.high - vague.low > 1.9


def test_the_table_has_every_quantity_and_honest_intervals():
    table = estimates(analysis(World()), level=LEVEL)
    assert set(table["quantity"]) == {
        "K", "excess", "B", "attained", "gap", "gap share", "V", "exponent of V", "local exponent of V"
    }  # fmt: skip
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    own = table[table["quantity"] == "V"]
    assert len(own) == len(World().sizes) * len(World().tokens)


def test_an_exponent_of_v_is_told_only_where_one_law_fits():
    """The number that claims judge, at the level of the table; a law that bends has none, and its local exponents."""
    straight = analysis(World())
    found = estimates(straight, level=LEVEL)
    own = found[(found["quantity"] == "exponent of V") & found["parameters"].isna()].iloc[0]
    judged = variance_exponent(straight, LEVEL)
    assert (own["value"], own["low"], own["high"], own["level"]) == (judged.value, judged.low, judged.high, LEVEL)
    bent = estimates(analysis(Saturating(noise=0.002, stored_noise=0.01)), level=LEVEL)
    assert not ((bent["quantity"] == "exponent of V") & bent["parameters"].isna()).any()
    assert (bent["quantity"] == "local exponent of V").sum() == len(World().sizes) * (len(World().tokens) - 1)


def test_one_replicate_gives_numbers_without_ends():
    table = estimates(analysis(World(replicates=1)), level=LEVEL)
    assert np.isinf(table.loc[table["quantity"].isin(["K", "V"]), "high"]).all()
    assert (table.loc[table["quantity"] == "B", "low"] == 0).all()


def test_what_is_missing_is_said():
    run = analysis(World())
    short = without(run, lambda cells: (cells["horizon"] > 300) | (cells["role"] == "stored"))
    assert "ladder" in bounds(short, 1000, level=LEVEL)
    assert "B" not in set(estimates(short, level=LEVEL)["quantity"])
    bare = without(run, lambda cells: cells["role"] != "stored")
    assert "no run on stored tokens" in told(variances)(bare, list(bare.horizons), level=LEVEL)
    one = without(run, lambda cells: cells["tokens"].isin([4096]) | (cells["role"] != "stored"))
    assert "no slope" in told(law)(variances(one, list(one.horizons), level=LEVEL), "value")
    nothing = dataclasses.replace(run, cells=run.cells.assign(status="diverged"))
    assert len(estimates(nothing, level=LEVEL)) == len(curves(nothing)) == len(loss_parts(nothing, level=LEVEL)) == 0


def test_a_size_that_lost_its_longest_run_has_no_bounds():
    run = analysis(World())
    lost = (run.cells["parameters"] == 1000) & (run.cells["role"] == "online") & (run.cells["horizon"] == 4096)
    broken = dataclasses.replace(run, cells=run.cells.assign(status=np.where(lost, "diverged", run.cells["status"])))
    assert "no geometric ladder" in bounds(broken, 1000, level=LEVEL) and broken.stored_tokens[4000]
    assert len(estimates(broken, level=LEVEL)) > 0


def test_curves_hold_every_checkpoint_of_every_kept_run():
    table = curves(analysis(World()))
    runs = len(World().sizes) * (len(World().tokens) + 1) * World().replicates
    assert len(table) == runs * 5 and (table["K"] > 0).all()


def test_crossed_draws_and_first_parameters_have_variances_of_their_own():
    """Planted: draws spread ten times as far as first parameters do, and the rest a tenth of these."""
    rng = np.random.default_rng(0)
    of_draw_A, of_start_I, rest_AI = rng.standard_normal(12), 0.1 * rng.standard_normal(8), rng.standard_normal((12, 8))
    k_AI = 5 + of_draw_A[:, None] + of_start_I + 0.01 * rest_AI
    pairs = list(np.ndindex(k_AI.shape))
    group = pd.DataFrame({"draw": [a for a, _ in pairs], "initialisation": [i for _, i in pairs]})
    found = components(group.assign(kl_B=[np.full(4, k_AI[pair]) for pair in pairs]), level=LEVEL)
    planted = {"variance over draws": 1.0, "variance over first parameters": 0.01, "variance of the rest": 1e-4}
    assert set(found) == set(planted)
    assert all(found[name].low <= planted[name] <= found[name].high for name in planted)
    assert found["variance over draws"].low > found["variance over first parameters"].high
    own = group[group["draw"] == group["initialisation"]]
    assert components(own.assign(kl_B=[np.ones(4)] * len(own)), level=LEVEL) == {}, "one replicate, one draw: no cross"
