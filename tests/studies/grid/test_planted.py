"""Truths that a pooled or a thinned-out number would hide: the verdict must not be the wrong one."""

import dataclasses

import numpy as np
import pytest

from testbed.stats.combine import slope_weights
from testbed.studies.grid import GridStudy
from tests.studies.grid.synthetic import World, analysis
from tests.studies.grid.test_estimates import QUIET, verdict


@pytest.fixture(scope="module")
def quiet():
    return analysis(QUIET)


class Ending(World):
    """V falls as 1/D up to 16,384 tokens, and is nothing beyond."""

    def variance(self, size: int, tokens: int) -> float:
        return 400.0 / tokens if tokens <= 16_384 else 0.0


def test_a_variance_that_ends_is_never_inversely_proportional():
    """Pairs whose V may be zero had been dropped, and all of those left agreed with 1/D."""
    for noise in (1e-4, 1e-3, 1e-2):
        for seed in range(10):
            run = analysis(Ending(noise=noise, stored_noise=noise), seed)
            assert verdict(run, "variance_departure") in ("refuted", "undecided")


CURVES = {
    "opposite slopes": lambda size, tokens: 0.1 * tokens ** (0.3 if size < 4_000 else -0.3),
    "down and up": lambda size, tokens: 0.1 * np.exp(0.3 * (np.log(tokens) - np.log(32_768)) ** 2 / 4),
}


@pytest.mark.parametrize("name", CURVES)
def test_slopes_that_cancel_are_no_independence_of_data(quiet, name):
    """One slope for all sizes had been near zero: the liar."""
    table = quiet.ensembles[quiet.ensembles["role"] == "stored"].copy()
    sizes = sorted(table["parameters"].unique())[:2]
    table = table[table["parameters"].isin(sizes)]
    for seed in range(10):
        rng = np.random.default_rng(seed)
        planted = [CURVES[name](row.parameters, row.tokens) for row in table.itertuples()]
        center = np.array(planted) * np.exp(0.02 * rng.standard_normal(len(planted)))
        told = table.assign(center_jackknife=center, center_se=0.02 * center)
        weights = slope_weights(np.log(told["tokens"].to_numpy(float)), told["parameters"].to_list())
        assert abs(weights @ np.log(center)) < 0.05
        assert verdict(dataclasses.replace(quiet, ensembles=told), "bias_on_tokens") == "refuted"


def test_centers_that_do_not_change_are_not_refuted(quiet):
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        center = 0.1 * np.exp(0.002 * rng.standard_t(3, len(quiet.ensembles)))
        table = quiet.ensembles.assign(center_jackknife=center, center_se=0.002 * center)
        found.append(verdict(dataclasses.replace(quiet, ensembles=table), "bias_on_tokens"))
    assert found.count("refuted") <= 2 and "supported" in found


LOST = {
    "the longest horizon of a size": ("online_step", {"role": "online", "parameters": 1_000, "horizon": 4_096}),
    "the middle D of a size": ("variance_step", {"role": "stored", "parameters": 4_000, "tokens": 16_384}),
    "the fewest D of a size": ("variance_over_bias", {"role": "stored", "parameters": 1_000, "tokens": 4_096}),
    "a D whose center is compared": ("bias_on_tokens", {"role": "stored", "parameters": 1_000, "tokens": 4_096}),
}


@pytest.mark.parametrize("name", LOST)
def test_a_group_that_diverged_as_a_whole_is_never_passed_over(quiet, name):
    """Claims on every size and D had been judged on what was left, and supported."""
    quantity, where = LOST[name]
    lost = np.logical_and.reduce([quiet.cells[column] == value for column, value in where.items()])
    cells = quiet.cells.assign(status=np.where(lost, "diverged", quiet.cells["status"]))
    found = GridStudy.estimates()[quantity](dataclasses.replace(quiet, cells=cells), 0.95)
    assert isinstance(found, str) and "finished, so that nothing is known of every size and D" in found


def test_a_center_at_as_many_stored_tokens_as_fresh_ones_is_compared_too(quiet):
    """It had stood behind the one of fresh data, in no pair."""
    table = quiet.ensembles.copy()
    (fresh,) = table[(table["parameters"] == 1_000) & (table["role"] == "online")]["tokens"]
    last = (table["parameters"] == 1_000) & (table["role"] == "stored") & (table["tokens"] == 262_144)
    table.loc[last, ["center", "center_jackknife"]] *= 0.3
    table.loc[last, "tokens"] = fresh
    found = GridStudy.estimates()["bias_on_tokens"](dataclasses.replace(quiet, ensembles=table), 0.95)
    assert found.low > 0.05
