"""What a reader of a fit must know that no interval says: losses below E, terms that may be absent, odd FLOPs."""

from collections.abc import Mapping

import numpy as np

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.law import Law
from testbed.stats.scaling.optimal import Frontier, flops_per
from testbed.stats.scaling.table import Losses

ABSENT = 0.01
"""P-value of a term above which a fit without it is called as good."""

ODD = 2.0
"""Ratio of FLOPs that are told to 6·P·D, or its inverse, from which it is told."""


def cautions(table: Losses, law: Law, found: Frontier | str) -> tuple[str, ...]:
    """Return a sentence for each thing that speaks against taking the fit at its word; none where nothing does.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.law import scaling_law
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(12)
    >>> table = losses(x, x, 1 + x**-0.5)
    >>> given = {"E": (1.1, 1.1)}
    >>> squares = OBJECTIVES["log-squares"]
    >>> law = scaling_law(table, FORMS["power_tokens"], squares, interval="profile", level=0.95, within=given)
    >>> cautions(table, law, "")
    ('E is held at 1.1 or above, and 5 of 12 losses lie below it, where this form has none; give a lower E.',)
    """
    return (*_below(table, law), *_weak(law), *_odd_flops(table), *_beyond(table, found))


def check_terms(without: Mapping[str, float]) -> None:
    """Refuse to tell what compute is best spent on where a term may be absent.

    >>> check_terms({"A": 1e-9, "B": 1e-30})
    """
    for name, chance in without.items():
        if chance > ABSENT:
            raise NoInformation(
                f"a fit without the term of {name} is as good (p = {chance:.2g}), so losses do not tell what compute is"
                " best spent on; add runs on which that term weighs more."
            )


def _below(table: Losses, law: Law) -> list[str]:
    if "E" not in law.form.names:
        return []
    least = float(law.asked.lower_Q[law.form.names.index("E")])
    below = int(np.sum(table.loss_N < least))
    if not below:
        return []
    return [
        f"E is held at {least:.4g} or above, and {below} of {len(table.loss_N)} losses lie below it, where this form"
        " has none; give a lower E."
    ]


def _weak(law: Law) -> list[str]:
    return [
        f"a fit without the term of {name} is as good (p = {chance:.2g}): its exponent may be any, and one near 0"
        " imitates a constant, so intervals hold all that fits as well; drop the term, or add runs on which it"
        " weighs more."
        for name, chance in law.without.items()
        if chance > ABSENT
    ]


def _odd_flops(table: Losses) -> list[str]:
    ratio_N = table.flops_N / (6 * table.params_N * table.tokens_N)
    low, high = float(ratio_N.min()), float(ratio_N.max())
    if not table.told_flops or (low > 1 / ODD and high < ODD):
        return []
    return [
        f"FLOPs in the table are {low:.3g} to {high:.3g} times 6·P·D; C = {flops_per(table):.3g}·P·D is taken as their"
        " geometric mean, so check the units of the column, or leave it out for 6·P·D."
    ]


def _beyond(table: Losses, found: Frontier | str) -> list[str]:
    """Return at what compute the best size or number of tokens lies outside of the table."""
    if isinstance(found, str):
        return []
    outside = []
    for what, best, seen_N in (("P", found.params, table.params_N), ("D", found.tokens, table.tokens_N)):
        low, high = float(seen_N.min()), float(seen_N.max())
        far = [f"{flops:.3g}" for flops, each in zip(found.flops_K, best, strict=True) if not low <= each.value <= high]
        if far:
            outside.append(f"{what} at {', '.join(far)} FLOPs")
    if not outside:
        return []
    return [
        f"the best {' and the best '.join(outside)} lie outside of what was trained, where a band knows the noise but"
        " not whether the form still holds."
    ]
