"""What grids ask: one grid, in each of several worlds and at each of several context lengths."""

import functools
from typing import Any

import msgspec

from testbed.ground.rules import require
from testbed.sources import AnySource, Budget, Noisy
from testbed.studies.grid import GridStudy
from testbed.studies.grid.asked import Asked as OneGrid
from testbed.studies.grid.asked import Plane
from testbed.studies.grids.guess import SignalGuess
from testbed.studies.grids.places import IN, Place, places

SEEDS = 2**32
APART = 0x9E3779B9
"""Odd, so that the seeds of as many planes as there are seeds differ."""
MOST_PLANES = 256


class Asked(OneGrid, frozen=True, kw_only=True):
    """A grid over sizes and data, and the worlds and context lengths that it is laid out in.

    Each of them is a plane: a plain grid, with a seed of its own, whose cells are those that the plain grid would have.
    Worlds whose tables have equal shapes share programs, so that they add lanes. At another context length each step
    reads as many tokens, in more or fewer windows.
    """

    worlds: tuple[AnySource, ...] = ()
    """Further worlds, beside `world`: the same with another σ of its noise, say."""
    contexts: tuple[int, ...] = ()
    """Further context lengths n, beside `model.context`."""
    budget: Budget = Budget()
    """How much work the truth of each plane may cost."""
    signal: SignalGuess = SignalGuess()
    """What is expected of SNR and of scores, from which power is told; no part of the identity either."""

    def __post_init__(self) -> None:
        """Refuse axes that cannot be laid out, and planes that cannot be run."""
        super().__post_init__()
        count = (1 + len(self.worlds)) * (1 + len(self.contexts))
        remedy = "give --worlds or --contexts, or ask a plain grid"
        require(count > 1, "worlds × contexts", count, "two planes or more", remedy)
        rule = f"at most {MOST_PLANES}"
        require(count <= MOST_PLANES, "worlds × contexts", count, rule, "leave some out")
        for name, values in (("worlds", self.all_worlds), ("contexts", self.all_contexts)):
            rule = "each once, the first one included"
            require(len(values) == len(set(values)), name, values, rule, "drop the repeats")
        for n in self.contexts:
            rule = f"a divisor of the {self.step_tokens} tokens of a step"
            remedy = "use powers of two, or another optimiser.batch"
            require(n >= 1 and self.step_tokens % n == 0, "contexts", n, rule, remedy)
        self._check_places()
        for plane in self.planes:
            plane.study.pilot_cells()

    def _check_places(self) -> None:
        """Refuse planes that no table and no claim could tell apart."""
        columns, labels = [str(at.columns) for at in self.places], [at.label for at in self.places]
        for name, told in (("columns", columns), ("labels", labels)):
            rule, remedy = "each plane told apart by world, σ and n", "drop one, or give σ further apart"
            require(all(told.count(one) == 1 for one in told), f"planes: {name}", told, rule, remedy)
        clean = [world.base if isinstance(world, Noisy) else world for world in self.all_worlds]
        noises = sum(msgspec.json.encode(world).count(b'"kind":"noisy"') for world in clean)
        rule = "none below the outermost, whose σ is the axis"
        require(noises == 0, "worlds: noise inside of a world", noises, rule, "give one noise with the σ of both")

    def identity(self) -> dict[str, Any]:
        """Return what two runs must share to share an output folder; see `Study.identity`."""
        shared = super().identity()
        return {name: shared[name] for name in shared if name != "signal"}

    @property
    def all_worlds(self) -> tuple[AnySource, ...]:
        """Return every world, the first one first."""
        return (self.world, *self.worlds)

    @property
    def all_contexts(self) -> tuple[int, ...]:
        """Return every context length, the first one first."""
        return (self.model.context, *self.contexts)

    @property
    def capabilities(self) -> list[str]:
        """Return the capabilities that any of the worlds has, and where several have one, the same in each of them."""
        from testbed.measure.capabilities import of  # late: a help text asks for none

        found: dict[str, list[str]] = {}
        for place in self.places:
            for name in of(place.world):
                families = found.setdefault(name, [])
                families += [] if place.family in families else [place.family]
        inner = {name: [f"{name}{IN}{family}" for family in families] for name, families in found.items()}
        return [each for name, own in inner.items() for each in ([name, *own] if len(own) > 1 else [name])]

    @property
    def single_capabilities(self) -> list[str]:
        """Return each capability in each world, once."""
        every = self.capabilities
        return [each for each in every if not any(other.startswith(f"{each}{IN}") for other in every)]

    @property
    def places(self) -> tuple[Place, ...]:
        """Return where each plane stands: every world at every context length."""
        return places(self.all_worlds, self.all_contexts)

    @property
    def planes(self) -> tuple[Plane, ...]:
        """Return the plain grids, in the order of their places."""
        return _planes(self)


@functools.lru_cache(maxsize=8)
def _planes(study: Asked) -> tuple[Plane, ...]:
    return tuple(
        Plane(_grid(study, place), f"{place.number:02d}.", place.label, study.budget) for place in study.places
    )


def _grid(study: Asked, place: Place) -> GridStudy:
    """Return the plain grid of a place."""
    shared = {
        name: getattr(study, name) for name in ("name", "question", "grid", "training", "evaluation", "references")
    }
    model = msgspec.structs.replace(study.model, vocabulary=place.world.alphabet, context=place.context)
    batch = study.step_tokens // place.context
    return GridStudy(
        **shared,
        world=place.world,
        model=model,
        optimiser=msgspec.structs.replace(study.optimiser, batch=batch),
        seed=(study.seed + place.number * APART) % SEEDS,
    )
