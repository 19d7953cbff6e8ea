"""Where a plane stands: its world, the noise of that world, and its context length; and what it is called."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from testbed.sources import AnySource, Noisy, Source

IN = " in "
"""Between a capability and the world in which it is asked for."""


class Place(NamedTuple):
    """One world at one context length."""

    number: int
    world: AnySource
    context: int
    family: str
    """The world without its noise, in words."""
    sigma: float
    """Chance that the noise replaces a token; 0 without noise."""
    label: str
    """What tells it from the others, in words."""

    @property
    def columns(self) -> dict[str, Any]:
        """Return what every table says of it."""
        return {"world": self.family, "sigma": self.sigma, "context": self.context}


def places(worlds: Sequence[AnySource], contexts: Sequence[int]) -> tuple[Place, ...]:
    """Return every world at every context length, in the order of the worlds.

    >>> from testbed.sources import Iid
    >>> coin, noisy = Iid(vocabulary=2), Noisy(base=Iid(vocabulary=2), sigma=0.5)
    >>> [place.label for place in places([coin, noisy], [8, 16])]
    ['σ = 0, n = 8', 'σ = 0, n = 16', 'σ = 0.5, n = 8', 'σ = 0.5, n = 16']
    """
    clean = [world.base if isinstance(world, Noisy) else world for world in worlds]
    sigmas = [world.sigma if isinstance(world, Noisy) else 0.0 for world in worlds]
    families = _families(clean)
    several = {"world": len(set(families)) > 1, "sigma": len(set(sigmas)) > 1, "context": len(contexts) > 1}
    found: list[Place] = []
    for world, family, sigma in zip(worlds, families, sigmas, strict=True):
        for n in contexts:
            words = {"world": family, "sigma": f"σ = {sigma:g}", "context": f"n = {n}"}
            label = ", ".join(word for name, word in words.items() if several[name])
            found.append(Place(len(found), world, n, family, sigma, label))
    return tuple(found)


def _families(worlds: Sequence[Source]) -> list[str]:
    """Return the kind of each world, and where several of a kind differ the fields in which they do."""
    kinds = [str(world.__struct_config__.tag) for world in worlds]
    distinct: dict[str, list[Source]] = {}
    for kind, world in zip(kinds, worlds, strict=True):
        if world not in distinct.setdefault(kind, []):
            distinct[kind].append(world)
    return [_named(kind, world, distinct[kind]) for kind, world in zip(kinds, worlds, strict=True)]


def _named(kind: str, world: Source, others: Sequence[Source]) -> str:
    told = [dict(_leaves(msgspec.to_builtins(each))) for each in others]
    seen = Counter(item for each in told for item in each.items())
    own = dict(_leaves(msgspec.to_builtins(world)))
    differing = [f"{name} = {value}" for name, value in own.items() if seen[(name, value)] < len(others)]
    return ", ".join((kind, *differing))


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every field of a specification with its value, in words."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else key)
    else:
        yield name, str(value)
