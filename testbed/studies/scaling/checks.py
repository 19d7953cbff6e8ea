"""Checks of the run: that the grid can be trusted, and that the simulations could be fitted."""

from testbed.studies.scaling.analysis import ScalingAnalysis
from testbed.verdict import DIVERGED, Check, near


def checks(analysis: ScalingAnalysis) -> tuple[Check, ...]:
    """Return the checks of a study of scaling laws."""
    return grid_checked(analysis), simulated(analysis)


def grid_checked(analysis: ScalingAnalysis) -> Check:
    """Check that the grid passed its own checks when its losses were read."""
    failed, name = analysis.world.failed, analysis.world.name
    told = f"of these checks of the grid {name}, each failed: {', '.join(failed)}." if failed else ""
    sentence = told or f"The grid {name} passed its own checks."
    return Check(name="grid checked", passed=not failed, sentence=sentence[0].upper() + sentence[1:])


def simulated(analysis: ScalingAnalysis) -> Check:
    """Check that every simulated surface is there; tell, without failing, how many of them could not be fitted."""
    table, asked = analysis.simulations, analysis.study.surfaces
    refused = int((table["sentence"] != "").sum())
    sentence = f"{len(table)} of {asked} surfaces were simulated; the free fit of {refused} was refused."
    edge = near(refused, DIVERGED * asked)
    return Check(name="simulated", passed=len(table) == asked, sentence=sentence, edge=edge)
