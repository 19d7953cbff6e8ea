"""Law: on planted surfaces, intervals hold the truth and verdicts are not wrong; estimators that lie are found out.

A short version of ``benchmarks/calibrate_grid.py``. With intervals that hold at 95 %, MISSES or more of 20 miss in one
set of surfaces of four hundred; the seeds are fixed.
"""

import numpy as np
import pytest

from benchmarks.planted_grid import NOISES, analysis
from benchmarks.planted_surface import SEEN, SIZES, TOKENS, surface, truths
from experiments.bias_variance import CLAIMS
from testbed.stats.combine import largest, magnitude, slope_weights
from testbed.stats.moments import contrast, known, moments
from testbed.studies.grid import GridStudy
from testbed.studies.grid.analysis import block
from testbed.studies.grid.variance import departures, variances
from testbed.verdict import judge

LEVEL, EACH, MISSES = 0.95, 5, 5
QUANTITIES = tuple(claim.quantity for claim in CLAIMS)
KINDS = (
    surface(),
    surface(bias=(0.3, 0.09, 0.09, 0.005), slopes=(1.09, 1.09), gamma=0.25, share=0.11),
    surface(slopes=(1.0, np.inf)),
    surface(bias=(0.3, 0.09, 0.0927, 0.005), slopes=(1.0, 0.0), gamma=2.0, share=0.09, drift=0.045),
)


@pytest.fixture(scope="module")
def seen():
    """Of each surface the claims, what was found, and the truth."""
    found = []
    for number, planted in enumerate(KINDS):
        for index in range(EACH):
            made = analysis(planted, NOISES[index % len(NOISES)], seed=100 * number + index)
            true = truths(planted, made.lowest)
            for claim in CLAIMS:
                if number and claim.quantity == "lowest_excess":  # slow, and the same for all kinds
                    continue
                estimate = GridStudy.estimates()[claim.quantity](made.analysis, LEVEL)
                found.append((claim, estimate, true[claim.quantity]))
    return found


def missed(found, truth):
    """Whether there is an interval and it does not hold the truth."""
    allowed = 1e-9 * (1 + abs(truth)) if np.isfinite(truth) else 0.0
    return not isinstance(found, str) and not found.low - allowed <= truth <= found.high + allowed


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_intervals_hold_the_truth(seen, quantity):
    own = [(found, truth) for claim, found, truth in seen if claim.quantity == quantity and not np.isnan(truth)]
    assert sum(missed(*each) for each in own) < MISSES
    assert sum(not isinstance(found, str) for found, _ in own) > len(own) / 2


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_verdicts_are_not_wrong(seen, quantity):
    wrong = 0
    for claim, found, truth in seen:
        low, high = claim.region
        word = "refuted" if low - 1e-9 <= truth <= high + 1e-9 else "supported"
        wrong += claim.quantity == quantity and judge(claim, found, ()).verdict == word
    assert wrong < MISSES


def dropping(run):
    """The largest departure of the pairs whose V is above zero at both ends."""
    found = departures(variances(run, list(run.horizons), level=LEVEL))
    return largest([each for each in found if np.isfinite(each.high)], level=LEVEL)


def above_the_last_run(run):
    """The largest departure of V above K of fresh data, as though that were B."""
    measured = variances(run, list(run.horizons), level=LEVEL)
    last = {size: moments([block(run.online(size, steps[-1]))]) for size, steps in run.horizons.items()}
    bias = {size: contrast(found, np.ones(1), level=measured.bias[size].level) for size, found in last.items()}
    return largest(departures(measured._replace(bias=bias)), level=LEVEL)


def pooled(run):
    """One slope of the center for all sizes."""
    table = run.ensembles.sort_values(["parameters", "tokens"])
    center_N = table["center_jackknife"].to_numpy(float)
    found = known(np.log(center_N), table["center_se"].to_numpy(float) / center_N, np.full(len(table), 3.0))
    weights_N = slope_weights(np.log(table["tokens"].to_numpy(float)), table["parameters"].to_list())
    return magnitude(contrast(found, weights_N, level=LEVEL))


def opposite():
    """Centers that fall with D as fast for two sizes as they rise for the others."""
    data_E = np.array([*TOKENS, SEEN], float) / TOKENS[0]
    slopes_P1 = np.array([0.4, -0.4, 0.4, -0.4])[: len(SIZES), None]
    return surface()._replace(center_PE=0.1 * data_E**slopes_P1)


LIARS = {
    "drops pairs whose V may be zero": (dropping, "variance_departure", surface(slopes=(1.0, np.inf))),
    "V above the last run": (above_the_last_run, "variance_departure", surface(gamma=0.25, share=0.4)),
    "one slope for all sizes": (pooled, "bias_on_tokens", opposite()),
}


@pytest.mark.parametrize("name", LIARS)
def test_an_estimator_that_lies_is_found_out(name):
    liar, quantity, planted = LIARS[name]
    made = [analysis(planted, NOISES[0], seed) for seed in range(4)]
    truth = truths(planted, made[0].lowest)[quantity]
    honest = [GridStudy.estimates()[quantity](each.analysis, LEVEL) for each in made]
    assert sum(missed(liar(each.analysis), truth) for each in made) > len(made) / 2
    assert sum(missed(found, truth) for found in honest) < 3
