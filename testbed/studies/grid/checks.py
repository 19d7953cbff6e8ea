"""Checks of the run itself: what must hold before any claim may be judged."""

import numpy as np

from testbed.cell import PILOTS
from testbed.stats.combine import each_level
from testbed.stats.identified import told
from testbed.stats.mean import mean
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.bounds import attained
from testbed.studies.grid.rates import undecided
from testbed.verdict import DIVERGED, Check, near

ROUNDING = 1e-5
CLOSURE = 1e-9
LEVEL = 0.9999
FINE = 1.61
"""Ratio of neighbouring learning rates up to which the best is not missed by much."""


def checks(analysis: Analysis, *, expected: int) -> tuple[Check, ...]:
    """Return the checks of a run that planned ``expected`` cells in all.

    Error: the statistical ones raise a false alarm in one run of 10⁴.
    """
    return (
        complete(analysis, expected=expected),
        converged(analysis),
        non_negative(analysis),
        epsilon_agrees(analysis),
        measures_agree(analysis),
        identity_closes(analysis),
        independent(analysis),
        above_floor(analysis),
        rates_inside(analysis),
    )


def complete(analysis: Analysis, *, expected: int) -> Check:
    """Check that every planned cell has a row, and every size, horizon and D a learning rate that did not diverge."""
    present = len(analysis.cells)
    lost = sorted({size for size, *_ in undecided(analysis.cells, analysis.rates)})
    sentence = f"{present} of {expected} planned cells have a result"
    sentence += (
        f"; every learning rate diverged for P = {lost}." if lost else "; every size has a usable learning rate."
    )
    return Check(name="complete", passed=present == expected and not lost, sentence=sentence)


def converged(analysis: Analysis) -> Check:
    """Check that at the chosen learning rates, at most one cell in ten diverged."""
    planned = len(analysis.chosen)
    diverged = planned - len(analysis.kept)
    passed = diverged <= DIVERGED * planned
    sentence = f"{diverged} of {planned} cells at the chosen learning rates diverged (at most {DIVERGED:.0%} may)."
    return Check(name="converged", passed=passed, sentence=sentence, edge=near(diverged, DIVERGED * planned))


def non_negative(analysis: Analysis) -> Check:
    """Check that no divergence K is below zero by more than single-precision rounding, or not finite."""
    lowest = float(np.min([float(kl_B.min()) for kl_B in analysis.kept["kl_B"]] or [0.0]))
    broken = sum(not np.isfinite(np.stack([row.kl_B, row.ce_B])).all() for row in analysis.kept.itertuples())
    if broken:
        sentence = f"K or the cross-entropy is not finite in {broken} finished cells, which would be a bug."
        return Check(name="non-negative", passed=False, sentence=sentence)
    sentence = f"The lowest K on one sequence is {lowest:.3g} nats; below −{ROUNDING:g} would be a bug."
    return Check(name="non-negative", passed=lowest >= -ROUNDING, sentence=sentence, edge=near(-lowest, ROUNDING))


def epsilon_agrees(analysis: Analysis) -> Check:
    """Check that the Bayes predictive's loss on the evaluation sequences agrees with ε.

    Its exact conditional entropy, where given, has the same mean and less noise (Rao–Blackwell), so finds less.
    """
    exact = analysis.bayes_entropy_B is not None
    value_B = analysis.bayes_nll_B if analysis.bayes_entropy_B is None else analysis.bayes_entropy_B
    error = float(np.hypot(value_B.std(ddof=1) / np.sqrt(len(value_B)), analysis.epsilon_error))
    off = float(value_B.mean()) - analysis.epsilon
    allowed = 4 * error + ROUNDING
    what = "conditional entropy of the Bayes predictive on" if exact else "Bayes loss of"
    sentence = f"The {what} the evaluation sequences is {off:+.3g} nats from ε ({4 * error:.2g} may pass)."
    return Check(name="epsilon agrees", passed=abs(off) <= allowed, sentence=sentence, edge=near(abs(off), allowed))


def measures_agree(analysis: Analysis) -> Check:
    """Check that cross-entropy minus Bayes loss agrees with K in every cell."""
    bayes_B = analysis.bayes_nll_B[analysis.read]
    level = each_level(LEVEL, max(len(analysis.kept), 1))
    failed, worst, used = 0, 0.0, 0.0
    for row in analysis.kept.itertuples():
        found = told(mean)(row.ce_B - bayes_B - row.kl_B, level=level)
        if isinstance(found, str):
            failed += 1
            continue
        failed += not found.low - ROUNDING <= 0 <= found.high + ROUNDING
        worst = max(worst, abs(found.value))
        used = max(
            used,
            -found.value / (found.high - found.value + ROUNDING),
            found.value / (found.value - found.low + ROUNDING),
        )
    sentence = (
        f"Cross-entropy and K disagree in {failed} of {len(analysis.kept)} cells (largest difference {worst:.2g} nats)."
    )
    return Check(name="measures agree", passed=failed == 0, sentence=sentence, edge=near(used, 1.0))


def identity_closes(analysis: Analysis) -> Check:
    """Check that the decomposition about the geometric mean closes to rounding in every context."""
    if not len(analysis.ensembles):
        return Check(name="identity closes", passed=False, sentence="No ensemble is there whose identity could close.")
    worst = float(analysis.ensembles["closure"].to_numpy(float).max())  # NaN where one is
    sentence = f"The exact identity is off by at most {worst:.2g} nats in any context ({CLOSURE:g} may pass)."
    return Check(name="identity closes", passed=worst <= CLOSURE, sentence=sentence, edge=near(worst, CLOSURE))


def independent(analysis: Analysis) -> Check:
    """Check that groups of cells have draws of their own, as intervals over groups assume."""
    sentence = (
        "Groups of cells share draws, so they are correlated and intervals over groups would be too narrow; "
        "give grid.nested=False for runs that are judged."
        if analysis.nested
        else "Every group of cells has draws of its own."
    )
    return Check(name="independent", passed=not analysis.nested, sentence=sentence)


def above_floor(analysis: Analysis) -> Check:
    """Check that no size attained less than the floor that it is not found to undercut."""
    sizes = [size for size in sorted(analysis.horizons) if analysis.floors.get(size, 0.0) > 0]
    broken = []
    for size in sizes:
        found = told(attained)(analysis, size, level=each_level(LEVEL, len(sizes)))
        if not isinstance(found, str) and found.high < analysis.floors[size]:
            broken.append(size)
    sentence = (
        f"P = {broken} attained less than its floor, which the search for it missed; B has no lower bound there."
        if broken
        else f"No size of the {len(sizes)} that have a floor attained less than it."
    )
    return Check(name="above floor", passed=not broken, sentence=sentence)


def rates_inside(analysis: Analysis) -> Check:
    """Tell, without failing, where a chosen learning rate is an end of its candidates, or these lie far apart."""
    tried = analysis.cells[analysis.cells["role"].isin(PILOTS)]
    rates = np.unique(tried["learning_rate"].to_numpy(float))
    ends = {float(rates[0]), float(rates[-1])} if len(rates) else set()
    found = sum(rate in ends for rate in analysis.rates.values())
    apart = float(np.max(rates[1:] / rates[:-1], initial=1.0))
    sentence = (
        f"The chosen learning rate is the lowest or highest candidate for {found} of {len(analysis.rates)} horizons "
        "and D of all sizes; the best rate may lie beyond."
        if found
        else "Every chosen learning rate lies inside the range of its candidates."
    )
    if apart > FINE:
        sentence += f" Neighbouring candidates differ by a factor of {apart:.3g}; {FINE:g} or less finds the best."
    return Check(name="rates inside", passed=True, sentence=sentence, edge="at an edge" if found else "")
