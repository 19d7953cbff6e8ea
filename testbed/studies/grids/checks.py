"""Checks of grids: those of every plane, told together."""

from collections.abc import Sequence

from testbed.studies.grid import cells
from testbed.studies.grid.checks import checks as of_one
from testbed.studies.grids.analysis import GridsAnalysis
from testbed.verdict import Check


def checks(analysis: GridsAnalysis) -> Sequence[Check]:
    """Return each check of a plain grid: passed where it passed in every plane, with the words of the worst one."""
    planes = zip(analysis.study.planes, analysis.planes, strict=True)
    found = [of_one(own, expected=cells.planned(plane.study, own.cells)) for plane, own in planes]
    labels = [place.label for place in analysis.places]
    return [_joined(labels, each) for each in zip(*found, strict=True)]


def _joined(labels: Sequence[str], each: Sequence[Check]) -> Check:
    """Return one check for all planes: the first that failed, else the first that is near its limit, else any."""
    order = sorted(range(len(each)), key=lambda at: (each[at].passed, not each[at].edge))
    worst, passed = order[0], sum(check.passed for check in each)
    sentence = f"{labels[worst]}: {each[worst].sentence} It holds in {passed} of {len(each)} planes."
    return Check(name=each[worst].name, passed=passed == len(each), sentence=sentence, edge=each[worst].edge)
