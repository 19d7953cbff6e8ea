"""Law: the exponent of the loss in stored tokens is found where it is planted, and what is no power law is told."""

import numpy as np
import pandas as pd
import pytest

from testbed.stats.estimate import Estimate
from testbed.studies.grid import GridStudy
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.estimates.data import data_exponent
from testbed.studies.grid.estimates.variance import variance_exponent
from tests.studies.grid.synthetic import World, analysis

LEVEL, DRAWS, SIZE = 0.95, 400, 100
TOKENS = (1_024, 4_096, 16_384, 65_536)


def run(k_D, seed, *, replicates=5, noise=0.1, windows=32):
    """What the estimate asks of a run: K of replicates on shared windows at each D, and of fresh data."""
    rng = np.random.default_rng([seed, 5])
    window_B = np.exp(0.3 * rng.standard_normal(windows) - 0.045)

    def group(k):
        factor_R = np.exp(noise * rng.standard_normal(replicates) - noise**2 / 2)
        own_RB = np.exp(0.1 * rng.standard_normal((replicates, windows)) - 0.005)
        kl_B = [k * factor * window_B * own_B for factor, own_B in zip(factor_R, own_RB, strict=True)]
        return pd.DataFrame({"draw": range(replicates), "initialisation": range(replicates), "kl_B": kl_B})

    frames = {tokens: group(k) for tokens, k in zip(TOKENS, k_D, strict=False)}
    found = object.__new__(Analysis)
    found.__dict__.update(
        horizons={SIZE: [64]}, stored_tokens={SIZE: sorted(frames)}, stored=lambda size, tokens: frames[tokens]
    )
    return found


def law(exponent):
    return 0.1 * (np.array(TOKENS) / TOKENS[0]) ** -exponent


def check(found, planted):
    """Two standard errors and what a logarithm of a noisy mean costs; coverage."""
    values = np.array([each.value for each in found])
    held = np.mean([each.low <= planted <= each.high for each in found])
    assert abs(values.mean() - planted) <= 2 * values.std() / np.sqrt(len(values)) + 1e-3, values.mean()
    assert 0.92 <= held <= 0.98, held


@pytest.mark.parametrize("exponent", [0.0, 0.2857, 1.0])
def test_a_planted_exponent_is_found_and_covered(exponent):
    check([data_exponent(run(law(exponent), seed), LEVEL) for seed in range(DRAWS)], exponent)


def replicates_as_one(analysis, level):
    """The liar: the interval is over windows alone, as if the replicates were one run."""
    mean_DB = {tokens: np.mean(list(analysis.stored(SIZE, tokens)["kl_B"]), axis=0) for tokens in TOKENS}
    two = {"draw": [0, 1], "initialisation": [0, 1]}
    analysis.__dict__["stored"] = lambda size, tokens: pd.DataFrame(two).assign(
        kl_B=[mean_DB[tokens], mean_DB[tokens] * (1 + 1e-6)]
    )
    return data_exponent(analysis, level)


def of_the_ends(analysis, level):
    """The liar: the largest D counts twice, as the latest number."""
    best = data_exponent(analysis, level)
    last = np.mean([k_B.mean() for k_B in analysis.stored(SIZE, TOKENS[-1])["kl_B"]])
    first = np.mean([k_B.mean() for k_B in analysis.stored(SIZE, TOKENS[0])["kl_B"]])
    off = 1.05 * float(np.log(first / last) / np.log(TOKENS[-1] / TOKENS[0])) - best.value
    return Estimate(
        value=best.value + off, low=best.low + off, high=best.high + off, level=level, n=best.n, method="ends"
    )


@pytest.mark.parametrize("liar", [replicates_as_one, of_the_ends])
def test_an_estimator_that_lies_is_found_out(liar):
    with pytest.raises(AssertionError):
        check([liar(run(law(0.5), seed), LEVEL) for seed in range(DRAWS)], 0.5)


def test_a_floor_lowers_the_exponent_and_is_told_as_lack_of_fit():
    """B within K: the least-squares slope of its logarithm, and a fit that is denied."""
    bent = law(1.0) + 0.01
    planted = -np.polyfit(np.log(TOKENS), np.log(bent), 1)[0]
    found = [data_exponent(run(bent, seed, noise=0.02), LEVEL) for seed in range(50)]
    assert np.mean([each.low <= planted <= each.high for each in found]) >= 0.86 and planted < 0.7
    told = [float(each.method.rpartition("p = ")[2]) for each in found]
    straight = [data_exponent(run(law(0.5), seed, noise=0.02), LEVEL) for seed in range(50)]
    assert np.median(told) < 1e-3
    assert np.median([float(each.method.rpartition("p = ")[2]) for each in straight]) > 0.1


def test_it_is_no_exponent_of_the_variance():
    """V is K less B, which falls faster."""
    seen = analysis(World(noise=0.002, stored_noise=0.01, spread=0.02))
    whole, above = data_exponent(seen, LEVEL), variance_exponent(seen, LEVEL)
    assert whole.high < 0.75 < above.low


def test_too_little_is_told_in_a_sentence():
    assert data_exponent(run(law(1.0)[:1], 0), LEVEL).startswith("1 amount of stored tokens")
    assert "zero at some D" in data_exponent(run(0 * law(1.0), 0), LEVEL)
    nothing = object.__new__(Analysis)
    nothing.__dict__.update(horizons={})
    assert "no online cell finished" in data_exponent(nothing, LEVEL)
    assert "lack of fit" not in data_exponent(run(law(1.0)[:2], 0), LEVEL).method
    assert "data_exponent" in GridStudy.estimates()
