"""A table of losses: what was trained with P parameters on D tokens, and which rows are seeds of one cell."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.stats.identified import LONGEST, NoInformation, alike, numbers, short

MOST_ROWS = 20_000
"""Rows that are fitted: every start, resample and absence of a unit reads each of them."""


class Losses(NamedTuple):
    """N rows with P, D, loss and FLOPs (6·P·D where none are told); the cell of each, and what it is resampled with.

    Rows of equal (P, D) are seeds of one cell. A group is what may share noise: a cell, or what the caller says.
    """

    params_N: np.ndarray
    tokens_N: np.ndarray
    loss_N: np.ndarray
    flops_N: np.ndarray
    cell_N: np.ndarray
    group_N: np.ndarray
    told_flops: bool

    def rows(self, chosen_N: np.ndarray) -> "Losses":
        """Return some rows, with their cells and groups numbered anew."""
        flops_N = self.flops_N[chosen_N] if self.told_flops else None
        return losses(
            self.params_N[chosen_N], self.tokens_N[chosen_N], self.loss_N[chosen_N], flops_N, self.group_N[chosen_N]
        )

    @property
    def grouped(self) -> bool:
        """Whether some group holds more than one cell, so that cells may share noise."""
        pairs = np.unique(np.stack([self.group_N, self.cell_N]), axis=1)
        return bool((np.bincount(pairs[0]) > 1).any())

    @property
    def unit_N(self) -> np.ndarray:
        """The unit that each row is left out with: its group where groups hold several cells, its cell elsewhere."""
        return self.group_N if self.grouped else self.cell_N

    @property
    def unit(self) -> str:
        """What a unit is called."""
        return "group" if self.grouped else "cell"

    @property
    def first_C(self) -> np.ndarray:
        """The first row of each cell."""
        return np.unique(self.cell_N, return_index=True)[1]

    @property
    def seeds_C(self) -> np.ndarray:
        """The number of seeds of each cell."""
        return np.bincount(self.cell_N)


def losses(
    params: object, tokens: object, loss: object, flops: object | None = None, groups: object | None = None
) -> Losses:
    """Return a table of losses; all four are positive numbers, one a row.

    Error: `NoInformation` names the first number that is not positive and finite; ValueError columns of other lengths.

    >>> found = losses([10, 10, 20], [100, 100, 100], [3.0, 3.1, 2.8])
    >>> found.cell_N.tolist(), found.flops_N.tolist()
    ([0, 0, 1], [6000.0, 6000.0, 12000.0])
    """
    columns = {"params": params, "tokens": tokens, "loss": loss}
    params_N, tokens_N, loss_N = (_positive(column, name) for name, column in columns.items())
    alike(params=len(params_N), tokens=len(tokens_N), losses=len(loss_N))
    if not len(loss_N):
        raise NoInformation("there is no row; give params, tokens and loss of one run or more.")
    flops_N = 6 * params_N * tokens_N if flops is None else _positive(flops, "flops")
    alike(losses=len(loss_N), flops=len(flops_N))
    cell_N = np.unique(np.column_stack([params_N, tokens_N]), axis=0, return_inverse=True)[1].ravel()
    group_N = cell_N if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    alike(losses=len(loss_N), groups=len(group_N))
    return Losses(params_N, tokens_N, loss_N, flops_N, cell_N, group_N, flops is not None)


def check_rows(table: Losses) -> None:
    """Refuse more rows than are fitted in a minute or so, and say how to have fewer.

    >>> check_rows(losses([1, 2], [1, 2], [1, 1]))
    """
    rows, cells = len(table.loss_N), len(table.first_C)
    if rows <= MOST_ROWS:
        return
    remedy = f"average the losses of each cell, which leaves {cells}"
    if cells > MOST_ROWS:
        every = -(-rows // MOST_ROWS)
        remedy = f"keep one row of every {every}, which leaves {-(-rows // every)}"
    raise ValueError(f"{rows} rows in {cells} cells: a fit takes {MOST_ROWS} at most; {remedy}.")


def averaged(value_RN: Float[np.ndarray, "*R N"], cell_N: Int[np.ndarray, "N"]) -> Float[np.ndarray, "*R C"]:
    """Return the mean of each cell over its seeds.

    >>> averaged(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1])).tolist()
    [2.0, 5.0]
    """
    order_N, seeds_C = np.argsort(cell_N, kind="stable"), np.bincount(cell_N)
    return np.add.reduceat(value_RN[..., order_N], np.cumsum(seeds_C) - seeds_C, axis=-1) / seeds_C


def _positive(values: object, what: str) -> np.ndarray:
    found_N = numbers(values, what)
    wrong_N = np.flatnonzero(~((found_N >= 1 / LONGEST) & (found_N <= LONGEST)))
    if len(wrong_N):
        raise NoInformation(
            f"{what} holds {short(found_N[wrong_N])}; each must lie between {1 / LONGEST:g} and {LONGEST:g}, so leave"
            " that row out."
        )
    return found_N
