"""Packed lanes are the cells trained alone, whatever their order, neighbours, placement and interruptions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import msgspec
import numpy as np
import pytest

from testbed.cell import PILOTS
from testbed.measure.divergence import observe
from testbed.train import buckets, lanes
from testbed.train.plan import plan, room
from tests.shared.small import EXPERIMENT
from tests.train.lanes_common import Memory, contexts, distance, train

ROUNDING = 2e-5
"""What float32 reductions of another order may change after these few steps; seen: below 2e-6."""


@pytest.fixture(scope="module")
def cells():
    model = EXPERIMENT.models[0]
    everything = EXPERIMENT.pilot_cells() + EXPERIMENT.main_cells(dict.fromkeys(EXPERIMENT.tuned(), 0.03))
    return [cell for cell in everything if cell.model == model]


@pytest.fixture(scope="module")
def packed(cells):
    return train(cells)


def test_each_packed_lane_is_its_cell_alone(cells, packed):
    for cell, outcome in list(zip(cells, packed, strict=True))[::3]:
        (alone,) = train([cell])
        assert alone.cell == outcome.cell == cell
        assert distance(alone, outcome) < ROUNDING


def test_cells_that_differ_do_not_agree(cells, packed):
    """The liar: lanes that share a key would pass the test above if it could not tell cells apart."""
    same = [o for o in packed if (o.cell.role, o.cell.horizon, o.cell.tokens) == ("stored", 32, 64)]
    assert len(same) == 2
    assert distance(*same) > 100 * ROUNDING


def test_reordering_a_grid_permutes_the_result(cells, packed):
    order = np.random.default_rng(0).permutation(len(cells))
    again = train([cells[at] for at in order])
    for at, outcome in zip(order, again, strict=True):
        assert outcome.cell == cells[at]
        assert distance(outcome, packed[at]) < ROUNDING


def test_lanes_together_are_lanes_in_turn(cells, packed):
    for outcome, other in zip(packed, train(cells, mapping="vmap"), strict=True):
        assert distance(outcome, other) < ROUNDING


def test_pmap_gives_the_numbers_of_jit(cells, packed):
    for outcome, other in zip(packed, train(cells, placement="pmap"), strict=True):
        assert distance(outcome, other) < ROUNDING


def test_equal_specs_compile_once(cells, packed):
    recipe = buckets._recipe(*_bucket_and_room(cells))
    functions = lanes.program(recipe)
    before = [function._cache_size() for function in functions]
    train([msgspec.structs.replace(cell, seed=5) for cell in cells])
    assert lanes.program(recipe) is functions
    assert [function._cache_size() for function in functions] == before


def test_a_diverging_lane_is_frozen_and_harms_no_neighbour(cells, packed):
    wild = msgspec.structs.replace(cells[3], learning_rate=1e30)
    outcomes = train([*cells[:3], wild, *cells[4:]])
    assert outcomes[3].status == "diverged"
    assert "not finite at step" in outcomes[3].sentence
    assert "1e+30" in outcomes[3].sentence
    for at in set(range(len(cells))) - {3}:
        assert outcomes[at].status == "finished"
        assert distance(outcomes[at], packed[at]) < ROUNDING


def test_evaluations_end_at_the_horizon(packed):
    for outcome in packed:
        assert outcome.step_C[-1] == outcome.cell.horizon
        assert np.isfinite(outcome.evidence["kl_B"]).all()
        assert (outcome.evidence["kl_B"] > -1e-6).all()
        assert outcome.kept_step in outcome.step_C


def test_the_best_checkpoint_is_kept(packed):
    for outcome in packed:
        half = outcome.evidence["kl_B"].shape[1] // 2
        assert outcome.kept_step == outcome.step_C[np.argmin(outcome.evidence["kl_B"][:, :half].mean(1))]


def test_the_final_parameters_are_kept_if_asked(cells):
    for outcome in train([msgspec.structs.replace(cell, stopping="final") for cell in cells[:3]]):
        assert outcome.kept_step == outcome.cell.horizon


class Killed(Exception):
    """Stands for a kill between two calls."""


@pytest.mark.parametrize("calls", [1, 3, 6])
def test_resuming_from_a_snapshot_is_exact(cells, packed, calls):
    memory, seen = Memory(), []

    def until_killed(tokens, trained):
        seen.append(tokens)
        if len(seen) == calls:
            raise Killed

    with pytest.raises(Killed):
        train(cells, memory=memory, interval=0.0, progress=until_killed)
    assert memory.saves <= calls
    resumed = train(cells, memory=memory)
    for outcome, other in zip(packed, resumed, strict=True):
        assert distance(outcome, other) == 0.0


def test_progress_counts_every_token_once(cells):
    told = []
    outcomes = train(cells, progress=lambda tokens, trained: told.append(tokens))
    assert sum(told) == sum(o.cell.horizon * o.cell.optimiser.batch * o.cell.model.context for o in outcomes)


def test_groups_have_draws_of_their_own_and_rates_share_them(cells):
    """A group is a role, a horizon and a D; the learning rates of its pilots are compared on one stream."""
    first = [cell for cell in cells if cell.draw == 0]
    groups = {(cell.role, cell.horizon, cell.tokens) for cell in first}
    assert len({lane_key(cell) for cell in first}) == len(groups) == 10
    assert sum(cell.role in PILOTS for cell in first) == 2 * sum(role in PILOTS for role, *_ in groups)
    assert not {lane_key(cell) for cell in cells if cell.draw == 1} & {lane_key(cell) for cell in first}


def test_nested_sets_share_the_draw_and_pilots_stay_apart(cells):
    nested = [msgspec.structs.replace(cell, nested=True) for cell in cells if cell.draw == 0]
    shared = {lane_key(cell) for cell in nested if cell.role not in PILOTS}
    assert len(shared) == 1
    assert not shared & {lane_key(cell) for cell in nested if cell.role in PILOTS}


def test_a_snapshot_resumes_at_another_width(cells, packed):
    """As it must when the number of devices or the granted memory changes between a kill and a restart."""
    memory, space = Memory(), room(tuple(jax.local_devices()))
    (bucket,) = plan(cells, space)
    told = []

    def until_killed(tokens, trained):
        told.append(tokens)
        if len(told) == 3:
            raise Killed

    with pytest.raises(Killed):
        train(cells, memory=memory, interval=0.0, progress=until_killed)
    wider = bucket._replace(width=bucket.width + 3)
    named = {"room": space, "placement": "jit", "snapshots": memory, "interval_seconds": 1e9}
    resumed = buckets.train(wider, contexts(cells[0]), observe, progress=lambda tokens, trained: None, **named)
    for outcome, other in zip(packed, resumed, strict=True):
        assert distance(outcome, other) < ROUNDING


def lane_key(cell):
    return tuple(np.asarray(jax.random.key_data(lanes.lane(cell).draw_key)).tolist())


def _bucket_and_room(cells):
    space = room(tuple(jax.local_devices()))
    (bucket,) = plan(cells, space)
    return bucket, observe, space, "jit"


@pytest.mark.parametrize("placement", ["jit", "pmap"])
def test_eight_devices_give_the_numbers_of_one(cells, packed, placement):
    script = Path(__file__).parent / "on_devices.py"
    flags = {"JAX_NUM_CPU_DEVICES": "8", "JAX_PLATFORMS": "cpu"}
    root = Path(__file__).parents[2]
    asked = [sys.executable, str(script), placement]
    done = subprocess.run(asked, env=os.environ | flags, cwd=root, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["devices"] == 8
    for outcome, mean_kl in zip(packed, told["mean_kl"], strict=True):
        assert outcome.evidence["kl_B"].mean(1).tolist() == pytest.approx(mean_kl, abs=ROUNDING)
