"""Shelf of attentions: how a position weighs the positions up to itself.

A variant is one file with one `Attention`, a frozen struct tagged by its file name, whose fields are its own settings:

- ``scores(q_LHK, k_SHK, *, scale) -> scores_HLS``: how well each key answers each query;
- ``mass(scores_HLS) -> mass_HLS``: weights up to a factor per row, zero where a score is −∞;
- ``lipschitz``: how far weights can move per unit of score.

From these the base builds ``weights(q_LHK, k_LHK, *, scale) -> weights_HLL`` (row t of each head is a law on the
positions 0..t: rows sum to one, nothing above the diagonal) and ``__call__(q_LHK, k_LHK, v_LHK, *, scale) ->
out_LHK``, the values averaged under those weights. All see one sequence of any length, are pure and differentiable
almost everywhere, and hold no parameters. The projections before and after, the positions and the scale belong to
the network.
"""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from typing import TYPE_CHECKING, Any, TypeAlias, Union

from testbed.ground import catalog
from testbed.model.attention._attention import Attention, dots, exponential

__all__ = ["AnyAttention", "Attention", "dots", "exponential"]

if TYPE_CHECKING:
    AnyAttention: TypeAlias = Any
else:
    AnyAttention = Union[tuple(catalog.shelf(__name__).values())]  # noqa: UP007 - built from what the shelf holds
