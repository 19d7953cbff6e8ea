"""The checks of a study of noise: what fails them, what they pass over, and what is rounding."""

import numpy as np
import pandas as pd

from testbed.studies.noise.analysis import NoiseAnalysis
from testbed.studies.noise.checks import complete, converged, spreads_agree

KEY = {"arm": "arm", "draw": 0, "length": 64, "layer": 1, "part": "attention", "given": "nothing", "count": 1000}


def analysis(shapes=(), *, seen=6, expected=6, lost=0, statuses=(), fourth_moments=True):
    arms = pd.DataFrame([{"arm": "arm", "fourth_moments": fourth_moments}])
    levels = pd.DataFrame([{"arm": "arm", "length": n, "draw": 0} for n in range(seen)])
    rows = [KEY | dict(zip(("projected", "summed", "kurtosis"), row, strict=True)) for row in shapes]
    trained = pd.DataFrame([{"status": status} for status in statuses], columns=["status"])
    none = pd.DataFrame()
    return NoiseAnalysis(
        arms, levels, pd.DataFrame(rows), none, none, trained, expected=expected, planned=len(statuses), lost=lost
    )


def test_two_ways_to_a_spread_must_agree_within_their_errors():
    assert spreads_agree(analysis([(1.02, 1.0, 0.0), (0.5, 0.51, 1.0)])).passed
    off = spreads_agree(analysis([(1.5, 1.0, 0.0)]))
    assert not off.passed and "differ by at most" in off.sentence


def test_rounding_across_a_line_is_no_disagreement():
    """Along the second direction both ways tell rounding: one of the vectors, one of the sums."""
    assert spreads_agree(analysis([(1.0, 1.0, 0.0), (1e-14, 3e-7, 0.0)])).passed
    assert not spreads_agree(analysis([(1.0, 1.0, 0.0), (1e-3, 3e-3, 0.0)])).passed


def test_spreads_without_a_fourth_moment_are_passed_over():
    assert spreads_agree(analysis([(1.5, 1.0, 0.0)], fourth_moments=False)).passed
    assert spreads_agree(analysis([(1.5, 1.0, 300.0)])).passed
    assert spreads_agree(analysis([(1.5, 1.0, np.nan)])).passed


def test_a_point_may_lack_only_with_the_model_that_diverged():
    assert complete(analysis()).passed and not complete(analysis(seen=5)).passed
    forgiven = complete(analysis(seen=5, lost=1))
    assert forgiven.passed and "1 lost to training that diverged" in forgiven.sentence
    some, many = ["finished"] * 19 + ["diverged"], ["finished"] * 8 + ["diverged"] * 2
    assert converged(analysis(statuses=some)).passed and not converged(analysis(statuses=many)).passed
