"""What compute is best for: the closed form, bands that cover, and isoFLOP profiles that agree with the law."""

import numpy as np
import pytest

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.findings import findings
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.isoflop import isoflop
from testbed.stats.scaling.law import scaling_law
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.optimal import best, flops_per, frontier
from testbed.stats.scaling.resamples import Resampled
from testbed.stats.scaling.table import losses
from tests.stats.laws import covers
from tests.stats.scaling.planted import COORDINATE, FORM, TRUTH, exact, planted

SQUARES = OBJECTIVES["log-squares"]
FLOPS = np.array([1e19, 1e21, 1e23])


def closed_form(flops, per=6.0):
    a, b, alpha, beta = (TRUTH[name] for name in ("A", "B", "alpha", "beta"))
    return (alpha * a / (beta * b)) ** (1 / (alpha + beta)) * (flops / per) ** (beta / (alpha + beta))


def isoflop_runs(noise=0.0, seed=0, wide=3.0):
    """Nine sizes around the best at each of five amounts of compute."""
    flops = np.repeat(np.geomspace(1e19, 1e23, 5), 9)
    params = closed_form(flops) * np.tile(np.geomspace(1 / wide, wide, 9), 5)
    tokens = flops / 6 / params
    errors = noise * np.random.default_rng(seed).standard_normal(45)
    return losses(params, tokens, exact(params, tokens) * np.exp(errors))


def test_the_best_size_is_the_closed_form():
    log_p, log_loss = best(FORM, COORDINATE[None], FLOPS, 6.0, (1e7, 1e10))
    assert np.exp(log_p[0]) == pytest.approx(closed_form(FLOPS), rel=1e-6)
    assert np.exp(log_loss[0]) == pytest.approx(exact(closed_form(FLOPS), FLOPS / 6 / closed_form(FLOPS)), rel=1e-12)


def test_flops_that_are_told_set_the_price():
    table = losses([1e8, 2e8], [1e10, 1e10], [3.0, 2.9], flops=[8e18, 16e18])
    assert flops_per(table) == pytest.approx(8.0)


def test_exponents_and_forecasts_are_covered():
    alpha, beta = TRUTH["alpha"], TRUTH["beta"]
    seeds = iter(range(10**6))

    def drawn(rng, which, share=1.0):
        table = planted(0.01, rng)
        law = scaling_law(table, FORM, SQUARES, interval="cells", level=0.95, resamples=200, seed=next(seeds))
        found = frontier(FORM, law.fitted.coordinate_Q, law.resampled, table, np.array([1e22, 1e25]), level=0.95)
        truth = {"exponent": beta / (alpha + beta), "size": float(closed_form(1e25))}[which]
        told = {"exponent": found.params_exponent, "size": found.params[1]}[which]
        return type(told)(
            value=told.value, low=told.value - share * (told.value - told.low),
            high=told.value + share * (told.high - told.value), level=0.95, n=told.n, method=told.method,
        ), truth  # fmt: skip

    assert covers(lambda rng: drawn(rng, "exponent"), level=0.95, simulations=60)
    assert covers(lambda rng: drawn(rng, "size"), level=0.95, simulations=60)
    assert not covers(lambda rng: drawn(rng, "exponent", 0.4), level=0.95, simulations=60)


def test_a_form_without_a_best_size_is_refused():
    """C·P^γ·D^−β with γ above 0: the smaller the better, for ever."""
    table = planted(0.01, np.random.default_rng(0))
    coordinate = np.array([1.69, 1.0, 0.2, 0.3])
    alike = Resampled(np.tile(coordinate, (100, 1)), np.full(4, 9.0), 9, "test")
    with pytest.raises(NoInformation, match="has no least loss along C"):
        frontier(FORMS["variance"], coordinate, alike, table, FLOPS, level=0.95)
    with pytest.raises(NoInformation, match="reads tokens alone"):
        frontier(FORMS["power_tokens"], coordinate[:3], alike, table, FLOPS, level=0.95)
    with pytest.raises(ValueError, match="two or more, rising"):
        frontier(FORM, COORDINATE, alike, table, FLOPS[::-1].copy(), level=0.95)


def test_isoflop_profiles_find_the_best_size_and_its_power():
    found = isoflop(isoflop_runs(0.0005), level=0.95)
    assert [each.flops for each in found.profiles] == pytest.approx(np.geomspace(1e19, 1e23, 5), rel=1e-6)
    for each in found.profiles:
        assert each.params.value == pytest.approx(closed_form(each.flops), rel=0.1)
        assert each.params.low < each.params.value < each.params.high
    power = TRUTH["beta"] / (TRUTH["alpha"] + TRUTH["beta"])
    assert found.params_exponent.low < power < found.params_exponent.high
    assert found.params_exponent.value + found.tokens_exponent.value == pytest.approx(1.0)


def test_fiellers_interval_of_a_vertex_covers_and_a_naive_one_does_not():
    """Losses that are a parabola in log P, with much noise: its vertex lies at log P = 0."""
    log_p = np.linspace(-2, 2, 7)

    def drawn(rng, share=1.0):
        y = 2 + 0.1 * log_p**2 + 0.03 * rng.standard_normal(7)
        found = isoflop(losses(np.exp(log_p), np.exp(-log_p), y), level=0.95).profiles[0].params
        logs = np.log([found.value, max(found.low, 1e-300), min(found.high, 1e300)])
        ends = logs[0] + share * (logs[1:] - logs[0])
        return type(found)(value=logs[0], low=ends[0], high=ends[1], level=0.95, n=7, method="test"), 0.0

    assert covers(drawn, level=0.95)
    assert not covers(lambda rng: drawn(rng, 0.5), level=0.95)


def test_a_minimum_outside_of_the_sizes_is_told_by_a_sentence():
    flops = np.full(6, 1e20)
    params = closed_form(1e20) * np.geomspace(3, 30, 6)
    table = losses(params, flops / 6 / params, exact(params, flops / 6 / params))
    found = isoflop(table, level=0.95)
    assert found.profiles[0].params == "the least loss lies outside of the sizes that were trained"
    assert found.params_exponent == "0 amounts of compute have a least loss inside; an exponent with a spread needs 3"
    with pytest.raises(NoInformation, match="no amount of compute has four sizes"):
        isoflop(planted(0.01, np.random.default_rng(0)).rows(np.arange(72) < 3), level=0.95)


def test_the_findings_agree():
    table = isoflop_runs(0.001)
    law = scaling_law(table, FORM, SQUARES, interval="profile", level=0.95)
    found = findings(table, law, level=0.95, resamples=200, flops=[1e20, 1e22], others=[FORMS["kaplan"]])
    for params, flops in zip(found.frontier.params, found.frontier.flops_K, strict=True):
        assert params.low < closed_form(flops) < params.high
    slopes = found.isoflop.params_exponent, found.frontier.params_exponent
    assert slopes[0].value == pytest.approx(slopes[1].value, abs=0.03)
    assert found.compared[0].form == "chinchilla"
