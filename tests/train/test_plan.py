"""Buckets hold what one program can train, and no more than fits."""

import re

import jax
import msgspec
import numpy as np
import pytest

from testbed.cell import Evaluation, Optimiser
from testbed.measure.divergence import observe
from testbed.model.size import size
from testbed.train import buckets
from testbed.train.plan import Room, plan, room
from tests.shared.small import EXPERIMENT, varied
from tests.train.lanes_common import Memory, contexts, distance

ROUNDING = 2e-5
PLENTY = 2**40
DEVICE = jax.local_devices()[0]
RATES = dict.fromkeys(EXPERIMENT.tuned(), 0.03)
CELLS = EXPERIMENT.main_cells(RATES)


def space(*, bytes_per_device=PLENTY, devices=1, mapping="map"):
    return Room((DEVICE,) * devices, bytes_per_device, mapping)


def own(model):
    return [cell for cell in CELLS if cell.model == model]


def room_for(lanes, cells, mapping):
    """The least memory, to a part in a thousand, that holds ``lanes`` lanes like these in one bucket."""

    def holds(granted):
        try:
            return len(plan((cells * lanes)[:lanes], space(bytes_per_device=granted, mapping=mapping))) == 1
        except ValueError:
            return False

    low, high = 0, PLENTY
    while high - low > max(low // 1000, 1):
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return space(bytes_per_device=high, mapping=mapping)


def test_cells_of_one_program_share_a_bucket():
    found = plan(CELLS, space())
    assert [bucket.cells for bucket in found] == [tuple(own(model)) for model in EXPERIMENT.models]


def test_what_is_only_a_number_does_not_part_cells():
    """Seeds, draws, rates, horizons, D and the numbers of the world are of the lane; shapes are of the program."""
    cell = CELLS[0]
    world = msgspec.structs.replace(cell.world, seed=7)
    numbers = {"seed": 3, "learning_rate": 0.5, "draw": 9, "horizon": 8, "nested": False, "world": world}
    lanes = [cell] + [msgspec.structs.replace(cell, **{name: value}) for name, value in numbers.items()]
    assert len(plan(lanes, space())) == 1
    shapes = {
        "world": msgspec.structs.replace(cell.world, regimes=3),
        "optimiser": msgspec.structs.replace(cell.optimiser, batch=8),
        "stopping": "final",
        "evaluation": msgspec.structs.replace(cell.evaluation, sequences=16),
        "model": msgspec.structs.replace(cell.model, width=12),
    }
    for name, value in shapes.items():
        assert len(plan([cell, msgspec.structs.replace(cell, **{name: value})], space())) == 2, name


def test_order_of_first_cells_is_the_order_of_buckets():
    first, second = (own(model) for model in EXPERIMENT.models)
    mixed = [second[0], first[0], second[1], first[1]]
    assert [bucket.cells for bucket in plan(mixed, space())] == [(second[0], second[1]), (first[0], first[1])]


@pytest.mark.parametrize("mapping", ["map", "vmap"])
@pytest.mark.parametrize("lanes", [1, 3, 4, 7])
def test_too_little_memory_splits_a_bucket_evenly(mapping, lanes):
    cells = own(EXPERIMENT.models[0])
    found = plan(cells, room_for(lanes, cells, mapping))
    assert len(found) == -(-len(cells) // lanes)
    assert [cell for bucket in found for cell in bucket.cells] == cells
    assert len({bucket.width for bucket in found}) == 1
    assert all(len(bucket.cells) <= bucket.width <= lanes for bucket in found)
    assert max(len(bucket.cells) for bucket in found) - min(len(bucket.cells) for bucket in found) <= 1


def test_less_memory_never_makes_wider_buckets():
    cells, widths = own(EXPERIMENT.models[1]), []
    for granted in np.geomspace(2**23, 2**16, 40):
        try:
            widths.append(plan(cells, space(bytes_per_device=int(granted), mapping="vmap"))[0].width)
        except ValueError:
            widths.append(0)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == len(cells)
    assert widths[-1] == 0


@pytest.mark.parametrize("mapping", ["map", "vmap"])
def test_one_run_that_does_not_fit_is_refused(mapping):
    with pytest.raises(
        ValueError,
        match=r"width 4 needs .* GiB .*must hold at least one run; make the model smaller.*raise --memory-gib to",
    ):
        plan(CELLS, space(bytes_per_device=1000, mapping=mapping))


@pytest.mark.parametrize("devices", [1, 2, 8])
@pytest.mark.parametrize("mapping", ["map", "vmap"])
@pytest.mark.parametrize("least", [1, 11, 16])
def test_widths_are_whole_on_every_device(devices, mapping, least):
    for bucket in plan(CELLS, space(devices=devices, mapping=mapping), least):
        wanted = max(least, len(bucket.cells)) if mapping == "map" else len(bucket.cells)
        assert bucket.width % devices == 0
        assert wanted <= bucket.width < wanted + devices


def test_idle_lanes_never_cost_a_split():
    """Room for fewer lanes than ``least_width`` asks, but enough for the cells: one bucket still."""
    cells = own(EXPERIMENT.models[0])
    (bucket,) = plan(cells, room_for(len(cells), cells, "map"), 100)
    assert len(cells) <= bucket.width < 100


def test_tokens_flops_and_work_add_up():
    found = plan(CELLS, space())
    tokens = {cell: cell.horizon * cell.optimiser.batch * cell.model.context for cell in CELLS}
    for bucket in found:
        counted = size(bucket.cells[0].model)
        assert bucket.tokens == sum(tokens[cell] for cell in bucket.cells)
        assert bucket.flops == bucket.tokens * counted.training_flops_per_token
        assert bucket.work > bucket.flops
        assert bucket.steps == max(cell.horizon for cell in bucket.cells)
    split = plan(CELLS, room_for(3, own(EXPERIMENT.models[1]), "vmap"))
    assert len(split) > len(found)
    for name in ("tokens", "flops", "work"):
        whole = sum(getattr(bucket, name) for bucket in found)
        assert sum(getattr(bucket, name) for bucket in split) == pytest.approx(whole, rel=1e-12), name


def test_the_identity_of_a_bucket_is_its_cells_in_order():
    (bucket, _) = plan(CELLS, space())
    assert bucket.digest == plan(CELLS, space(bytes_per_device=PLENTY // 2))[0].digest
    assert bucket.digest == bucket._replace(width=99).digest
    assert bucket.digest != bucket._replace(cells=bucket.cells[::-1]).digest
    assert bucket.digest != bucket._replace(cells=bucket.cells[1:]).digest
    changed = msgspec.structs.replace(bucket.cells[0], seed=1)
    assert bucket.digest != bucket._replace(cells=(changed, *bucket.cells[1:])).digest


def test_rooms_follow_what_is_asked():
    local = tuple(jax.local_devices())
    assert room(local, "vmap", 0.5) == Room(local, 2**29, "vmap")
    assert room(local).mapping == "map"
    assert 2**20 < room(local).bytes_per_device < 2**50
    assert room(local * 2).bytes_per_device == pytest.approx(room(local).bytes_per_device / 2, abs=1)


def trained(found, granted):
    return [
        outcome
        for bucket in found
        for outcome in buckets.train(
            bucket,
            contexts(bucket.cells[0]),
            observe,
            room=granted,
            placement="jit",
            snapshots=Memory(),
            interval_seconds=1e9,
            progress=lambda tokens, trained: None,
        )
    ]


def test_a_split_bucket_trains_to_the_numbers_of_the_whole():
    cells = own(varied().models[0])
    whole = trained(plan(cells, space()), space())
    little = room_for(3, cells, "map")
    found = plan(cells, little)
    assert [len(bucket.cells) for bucket in found] == [2, 3, 2, 3]
    parts = trained(found, little)
    assert [outcome.cell for outcome in parts] == [outcome.cell for outcome in whole] == cells
    assert max(distance(one, other) for one, other in zip(whole, parts, strict=True)) < ROUNDING


@pytest.mark.parametrize(
    ("field", "remedy"),
    [
        (
            {"evaluation": Evaluation(sequences=2**16)},
            r"use --optimiser\.batch (\d+) with --evaluation\.sequences (\d+)",
        ),
        ({"model": msgspec.structs.replace(CELLS[0].model, width=2**20)}, r"keep width × multiple at (\d+) or below"),
        ({"model": msgspec.structs.replace(CELLS[0].model, layers=1024)}, r"raise --memory-gib to ([\d.e+-]+) or more"),
    ],
)
@pytest.mark.parametrize("mapping", ["map", "vmap"])
def test_what_a_plan_advises_fits(mapping, field, remedy):
    """Smaller batches where these are too large, a narrower model where its parameters are."""
    cell, granted = msgspec.structs.replace(CELLS[0], **field), space(bytes_per_device=2**20, mapping=mapping)
    with pytest.raises(ValueError, match=remedy) as refusal:
        plan([cell], granted)
    advised = re.search(remedy, str(refusal.value)).groups()
    if "memory" in remedy:
        granted = granted._replace(bytes_per_device=int(float(advised[0]) * 2**30))
    elif "width" in remedy:
        cell = msgspec.structs.replace(cell, model=msgspec.structs.replace(cell.model, width=int(advised[0])))
    else:
        batch, sequences = map(int, advised)
        cell = msgspec.structs.replace(
            cell, optimiser=Optimiser(batch=batch), evaluation=Evaluation(sequences=sequences)
        )
    assert len(plan([cell], granted)) == 1
