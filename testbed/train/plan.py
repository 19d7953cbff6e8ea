"""The plan: cells grouped into buckets of one program each, small enough for the memory at hand."""

import itertools
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax
import msgspec

from testbed.cell import Cell
from testbed.ground.options import Mapping
from testbed.ground.reading import digest
from testbed.model.size import activation_bytes, size
from testbed.model.transformer import Transformer
from testbed.sources import AnySource

_MEMORY_SHARE = 0.6
"""Share of the device memory that a plan may fill; the rest is for the compiler's temporaries."""

_STATE_COPIES = 6
"""Parameter-sized arrays of a lane: parameters, two moments, kept, and the old and the new while a call hands over."""


_OVERHEAD_FLOPS = 250_000
"""What a token of the smallest models costs beside arithmetic on a CPU, in operations; used for the time left only."""


class Bucket(NamedTuple):
    """Cells that share one program, and the number of lanes (idle ones included) that it is compiled for."""

    cells: tuple[Cell, ...]
    width: int

    @property
    def digest(self) -> str:
        """Return the identity of the bucket: that of its cells, in order."""
        return digest([cell.digest for cell in self.cells])

    @property
    def places(self) -> tuple[tuple[AnySource, int], ...]:
        """Return the (world, seed) whose evaluation windows its cells are measured on, each once."""
        return places(self.cells)

    def place(self, cell: Cell) -> int:
        """Return which of the places is that of a cell."""
        return self.places.index((cell.world, cell.seed))

    @property
    def steps(self) -> int:
        """Return the longest horizon."""
        return max(cell.horizon for cell in self.cells)

    @property
    def tokens(self) -> int:
        """Return the tokens that its lanes train on, passes counted each time."""
        return sum(cell.horizon * cell.optimiser.batch * cell.model.context for cell in self.cells)

    @property
    def work(self) -> float:
        """Return its tokens weighed by what one costs, arithmetic and the rest, so that time left can be guessed."""
        return float(self.tokens * (size(self.cells[0].model).training_flops_per_token + _OVERHEAD_FLOPS))

    @property
    def flops(self) -> int:
        """Return the floating-point operations of its training, by the count of ``testbed.model.size``."""
        return self.tokens * size(self.cells[0].model).training_flops_per_token


class Room(NamedTuple):
    """What a plan may use."""

    devices: tuple[jax.Device, ...]
    bytes_per_device: int
    mapping: Mapping


def room(devices: tuple[jax.Device, ...], mapping: Mapping | None = None, memory_gib: float | None = None) -> Room:
    """Return the room that these devices offer.

    Lanes are walked one after the other on CPUs and together elsewhere unless ``mapping`` says so; memory is a
    share of the device's own limit, or on CPUs of the machine's memory, unless ``memory_gib`` (per device) is given.
    """
    stats = devices[0].memory_stats() or {}
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // len(devices)
    measured = int(_MEMORY_SHARE * stats.get("bytes_limit", machine))
    granted = measured if memory_gib is None else int(memory_gib * 2**30)
    return Room(devices, granted, mapping or ("map" if devices[0].platform == "cpu" else "vmap"))


def plan(cells: Iterable[Cell], room: Room, least_width: int = 1) -> list[Bucket]:
    """Return the buckets of a grid, in the order of their first cells; a bucket that would not fit is split evenly.

    ``least_width`` asks for idle lanes up to that width where lanes are walked one after the other (there they cost
    nothing), so that several plans share one compilation.

    Error: ValueError if a single lane does not fit.
    """
    groups: dict[object, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[_program_key(cell)].append(cell)
    buckets = []
    for group in groups.values():
        limit = _widest(group, room)
        wanted = max(len(group), least_width) if room.mapping == "map" else len(group)
        width = min(limit, _round_up(wanted, len(room.devices)))
        count = -(-len(group) // width)
        if count > 1:
            width = _round_up(-(-len(group) // count), len(room.devices))
        ends = [len(group) * part // count for part in range(count + 1)]
        buckets += [Bucket(tuple(group[start:end]), width) for start, end in itertools.pairwise(ends)]
    return buckets


def places(cells: Iterable[Cell]) -> tuple[tuple[AnySource, int], ...]:
    """Return the (world, seed) of cells, each once."""
    return tuple(dict.fromkeys((cell.world, cell.seed) for cell in cells))


def lane_bytes(cell: Cell, *, resident: bool) -> int:
    """Return the bytes that one lane needs: its state, and if ``resident`` the work of a step or an evaluation too."""
    state = _STATE_COPIES * size(cell.model).parameter_bytes
    state += sum(table.nbytes for table in jax.tree.leaves(cell.world.tables()))
    if not resident:
        return state
    evaluation = activation_bytes(cell.model, cell.evaluation.sequences)
    return state + max(activation_bytes(cell.model, cell.optimiser.batch), evaluation)


def _widest(group: list[Cell], room: Room) -> int:
    cell = group[0]
    state, working = lane_bytes(cell, resident=False), lane_bytes(cell, resident=True)
    shared = len(places(group)) * _shared_bytes(cell.model, cell.evaluation.sequences)
    free = room.bytes_per_device - shared
    lanes = (free - (working - state)) // state if room.mapping == "map" else free // working
    if lanes < 1:
        raise ValueError(
            f"One run of width {cell.model.width} needs {(working + shared) / 2**30:.3g} GiB and "
            f"{room.bytes_per_device / 2**30:.3g} GiB are granted per device: a batch must hold at least one run; "
            f"{_lighter(cell, room)}."
        )
    return int(lanes) * len(room.devices)


def _lighter(cell: Cell, room: Room) -> str:
    """Return what to ask for so that one lane fits: smaller batches if that is enough, else narrower models."""
    raised = "or raise --memory-gib"
    for batch, sequences in _fewer(cell.optimiser.batch, cell.evaluation.sequences):
        if _needed(cell, cell.model, batch, sequences) <= room.bytes_per_device:
            return f"use --optimiser.batch {batch} with --evaluation.sequences {sequences}, {raised}"
    step = cell.model.width_step
    narrower = (cell.model.width >> halvings for halvings in range(1, 31))
    for width in (each // step * step for each in narrower if each >= step):
        model = msgspec.structs.replace(cell.model, width=width)
        if _needed(cell, model, cell.optimiser.batch, cell.evaluation.sequences) <= room.bytes_per_device:
            return f"keep width × multiple at {width} or below, {raised}"
    needed = 1.01 * _needed(cell, cell.model, cell.optimiser.batch, cell.evaluation.sequences) / 2**30
    return f"make the model smaller in context, depth and vocabulary, {raised} to {needed:.3g} or more"


def _fewer(batch: int, sequences: int) -> Iterator[tuple[int, int]]:
    """Yield smaller and smaller batches of training, then of evaluation, then of both."""
    halved = [(max(batch >> times, 1), max(sequences >> times & ~1, 4)) for times in range(1, 31)]
    yield from ((fewer, sequences) for fewer, _ in halved)
    yield from ((batch, fewer) for _, fewer in halved)
    yield from halved


def _needed(cell: Cell, model: Transformer, batch: int, sequences: int) -> int:
    """Return the bytes of one lane, and of what lanes share, of a model with other batches."""
    state = lane_bytes(msgspec.structs.replace(cell, model=model), resident=False)
    working = max(activation_bytes(model, batch), activation_bytes(model, sequences))
    return state + working + _shared_bytes(model, sequences)


def _shared_bytes(model: Transformer, sequences: int) -> int:
    """Return the bytes of the evaluation windows and of the predictive on them."""
    return 3 * 4 * sequences * model.context * model.vocabulary


def _program_key(cell: Cell) -> object:
    leaves, structure = jax.tree.flatten(cell.world.tables())
    tables = structure, tuple((table.shape, table.dtype) for table in leaves)
    fixed = (cell.optimiser, cell.stopping, cell.evaluation, cell.checkpoints)
    return cell.model, type(cell.world), tables, fixed


def _round_up(count: int, step: int) -> int:
    return -(-count // step) * step
