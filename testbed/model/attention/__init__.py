"""Shelf of attentions: how a position weighs the positions up to itself.

A variant is one file with one frozen struct, tagged by its file name, whose fields are its own settings, and

- ``weights(q_LHK, k_LHK, *, scale) -> weights_HLL``: row t of each head is a law on the positions 0..t (rows sum to
  one, nothing above the diagonal);
- ``__call__(q_LHK, k_LHK, v_LHK, *, scale) -> out_LHK``: the values averaged under those weights.

Both see one sequence of any length, are pure and differentiable almost everywhere, and hold no parameters. The
projections before and after, the positions and the scale belong to the network.
"""

from typing import TYPE_CHECKING, Any, TypeAlias, Union

from testbed import catalog

if TYPE_CHECKING:
    AnyAttention: TypeAlias = Any
else:
    AnyAttention = Union[tuple(catalog.shelf(__name__).values())]  # noqa: UP007 - built from what the shelf holds
