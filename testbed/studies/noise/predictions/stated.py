"""Which assumptions an arm keeps by construction: those of its model, and what is left to its world."""

from testbed.model.assumptions import Assumption, assumptions
from testbed.model.transformer import Transformer
from testbed.sources import Absent, BlockStationary, DirichletBlocks, Source


def stated(world: Source, model: Transformer) -> dict[str, Assumption]:
    """Return the state of A1 to A4 of a model that reads a world.

    A3 is what the paper needs of blocks: one law at every place, and correlations that can be summed. It is kept by
    tokens that are independent beyond some lag or forget geometrically, and by power laws whose sum is finite; dropped
    by regimes that last, by blocks that grow with the window, by periods, and by power laws too slow to be summed.

    >>> from testbed.sources import Iid
    >>> model = Transformer(vocabulary=2, context=8, width=2, positions="none")
    >>> {name: each.status for name, each in stated(Iid(vocabulary=2), model).items()}
    {'A1': 'dropped', 'A2': 'kept', 'A3': 'kept', 'A4': 'dropped'}
    """
    found = assumptions(model)
    if found["A3"].status == "left to the world":
        found["A3"] = _of_world(world)
    return found


def _of_world(world: Source) -> Assumption:
    if isinstance(world, BlockStationary | DirichletBlocks) and world.block_share is not None:
        return Assumption(status="dropped", reason=f"A block is {world.block_share:g} of the window at every length.")
    if world.for_window(1) is not world:
        return Assumption(status="left to the world", reason="The law of the tokens depends on the window.")
    mixing = world.mixing()
    if isinstance(mixing, Absent):
        return Assumption(status="left to the world", reason=f"How fast tokens forget is not known: {mixing.reason}.")
    if mixing.decay in ("never", "periodic"):
        return Assumption(status="dropped", reason=f"Correlations do not vanish ({mixing.decay}).")
    if mixing.decay == "power law" and mixing.value <= 1:
        return Assumption(status="dropped", reason=f"Correlations fall as k^−{mixing.value:.3g}, too slowly for a sum.")
    return Assumption(status="kept", reason=f"Correlations can be summed ({mixing.decay}, {mixing.value:.3g}).")
