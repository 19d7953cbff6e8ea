"""Named estimates on planted worlds, the checks of a run, and the verdicts they earn together."""

import dataclasses

import numpy as np
import pytest

from testbed.stats.estimate import Estimate
from testbed.studies.grid import GridStudy
from testbed.studies.grid.checks import CLOSURE, checks, epsilon_agrees, identity_closes, rates_inside
from testbed.verdict import NEAR, Claim, judge
from tests.studies.grid.synthetic import Saturating, World, analysis

ESTIMATES = GridStudy.estimates()

LEVEL = 0.95
QUIET = World(noise=0.002, stored_noise=0.01, spread=0.02)
REGIONS = {
    "lowest_excess": (0.0, None),
    "parts_add_up": (-0.02, 0.02),
    "bias_exponent": (0.0, None),
    "bias_step": (None, 0.0),
    "bias_bend": (0.0, None),
    "online_bend": (0.0, None),
    "biases_apart": (None, 0.02),
    "online_exponent": (0.4, 0.6),
    "online_step": (None, 0.0),
    "variance_exponent": (0.9, 1.1),
    "variance_departure": (None, 0.1),
    "variance_step": (None, 0.0),
    "variance_size_step": (None, 0.0),
    "variance_over_bias": (-0.5, None),
    "bias_over_variance": (0.0, None),
    "bias_on_tokens": (-0.05, 0.05),
    "optimisation_residue": (None, 0.1),
    "bias_variance_correlation": (-0.5, 0.5),
    "identity_closure": (None, 1e-9),
    "data_exponent": (0.4, 0.6),
    **dict.fromkeys(("first_fall", "second_fall", "falls_apart", "plateau_length", "plateau_pause"), (0.0, None)),
    "end_over_plateau": (None, 0.1),
}


def verdict(run, name, region=None):
    low, high = region or REGIONS[name]
    claim = Claim(id=name, sentence="planted", section="test", quantity=name, low=low, high=high, level=LEVEL)
    return judge(claim, ESTIMATES[name](run, LEVEL), checks(run, expected=len(run.cells))).verdict


@pytest.fixture(scope="module")
def quiet():
    return analysis(QUIET)


def test_every_named_estimate_is_tried_here_and_documented():
    assert set(REGIONS) == set(ESTIMATES)
    assert all(function.__doc__ for function in ESTIMATES.values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lowest_excess", "supported"),
        ("parts_add_up", "supported"),
        ("bias_exponent", "supported"),
        ("bias_step", "supported"),
        ("bias_bend", "supported"),
        ("online_bend", "supported"),
        ("biases_apart", "supported"),
        ("online_exponent", "supported"),
        ("online_step", "supported"),
        ("variance_exponent", "supported"),
        ("variance_departure", "undecided"),
        ("variance_step", "supported"),
        ("variance_size_step", "refuted"),
        ("variance_over_bias", "supported"),
        ("bias_over_variance", "supported"),
        ("bias_on_tokens", "supported"),
        ("optimisation_residue", "supported"),
        ("bias_variance_correlation", "invalid"),
        ("identity_closure", "supported"),
        ("data_exponent", "supported"),
        ("plateau_pause", "invalid"),  # without a reference that counts; see test_plateaus.py
    ],
)
def test_a_planted_truth_earns_its_verdict(quiet, name, expected):
    assert verdict(quiet, name) == expected


def test_a_bias_that_falls_with_data_is_refuted():
    assert verdict(analysis(World(drift=0.2)), "bias_on_tokens") == "refuted"


def test_another_rate_is_refuted_and_noise_leaves_it_undecided():
    assert verdict(analysis(World(rate=0.5, noise=0.01, stored_noise=0.02)), "variance_exponent") == "refuted"
    assert verdict(analysis(World(noise=0.2, stored_noise=0.2)), "variance_exponent") == "undecided"


def test_a_bent_variance_has_no_exponent_and_is_not_inversely_proportional():
    bent = analysis(Saturating(noise=0.002, stored_noise=0.01))
    assert verdict(bent, "variance_exponent") == "invalid"
    assert "no single exponent describes V: lack of fit p = " in ESTIMATES["variance_exponent"](bent, LEVEL)
    assert verdict(bent, "variance_departure") == "refuted"


def test_an_exact_inverse_law_departs_by_nothing_and_hidden_ones_by_nothing_that_is_seen():
    assert (
        verdict(analysis(World(noise=1e-6, stored_noise=1e-6, spread=1e-6, gap=1e-4)), "variance_departure")
        == "supported"
    )
    assert {verdict(analysis(QUIET, seed), "variance_departure") for seed in range(1, 6)} <= {"supported", "undecided"}
    assert verdict(analysis(World(noise=1.0, stored_noise=1.0)), "variance_departure") == "undecided"


def test_a_bias_that_rises_with_size_is_refuted():
    rising = analysis(World(bias_exponent=-0.5, noise=0.002, stored_noise=0.01))
    assert verdict(rising, "bias_step") == "refuted" and verdict(rising, "online_step") == "refuted"
    assert verdict(rising, "bias_exponent") == "refuted"


def peeking(run, by=0.1):
    """One cell whose cross-entropy lies below that of the Bayes predictive."""
    cells = run.cells.copy()
    index = run.kept.index[0]
    cells.at[index, "ce_CB"] = cells.at[index, "ce_CB"] - cells.at[index, "kl_CB"] - by
    return dataclasses.replace(run, cells=cells)


def test_one_model_below_epsilon_refutes_the_floor(quiet):
    found = ESTIMATES["lowest_excess"](peeking(quiet), LEVEL)
    assert found.high < 0 < ESTIMATES["lowest_excess"](quiet, LEVEL).low


def test_a_model_at_epsilon_leaves_the_floor_undecided(quiet):
    found = ESTIMATES["lowest_excess"](peeking(quiet, by=0.0), LEVEL)
    assert found.low < 0 < found.high


def test_parts_that_miss_a_piece_do_not_add_up(quiet):
    missing = quiet.ensembles.assign(spread=quiet.ensembles["spread"] - 0.05)
    assert verdict(dataclasses.replace(quiet, ensembles=missing), "parts_add_up") == "refuted"


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("complete", lambda run: (run, 1)),
        ("converged", lambda run: (dataclasses.replace(run, cells=diverged(run.cells)), 0)),
        ("non-negative", lambda run: (dataclasses.replace(run, cells=shifted(run.cells, "kl_CB", -1.0)), 0)),
        ("epsilon agrees", lambda run: (dataclasses.replace(run, epsilon=run.epsilon + 0.05), 0)),
        ("measures agree", lambda run: (dataclasses.replace(run, cells=shifted(run.cells, "ce_CB", 0.01)), 0)),
        ("identity closes", lambda run: (dataclasses.replace(run, ensembles=run.ensembles.assign(closure=1e-6)), 0)),
        ("independent", lambda run: (dataclasses.replace(run, nested=True), 0)),
        ("above floor", lambda run: (dataclasses.replace(run, floors={1_000: 0.2}), 0)),
    ],
)
def test_each_check_finds_its_own_fault_and_makes_claims_invalid(quiet, name, spoil):
    clean = {check.name: check.passed for check in checks(quiet, expected=len(quiet.cells))}
    assert all(clean.values())
    run, more = spoil(quiet)
    found = checks(run, expected=len(run.cells) + more)
    assert not {check.name: check.passed for check in found}[name]
    claim = Claim(id="x", sentence="s", section="t", quantity="online_step", low=None, high=0.0, level=LEVEL)
    assert judge(claim, ESTIMATES["online_step"](quiet, LEVEL), found).verdict == "invalid"


def test_exact_entropies_find_an_epsilon_that_is_off_by_one_percent(quiet):
    rng = np.random.default_rng(0)
    epsilon, noise_B = 2.76, rng.standard_normal(512)
    run = dataclasses.replace(
        quiet,
        epsilon=epsilon,
        bayes_nll_B=epsilon + 0.5 * noise_B,
        bayes_entropy_B=epsilon + 0.1 * rng.standard_normal(512),
    )
    assert epsilon_agrees(run).passed and not epsilon_agrees(dataclasses.replace(run, epsilon=1.01 * epsilon)).passed
    blunt = dataclasses.replace(run, epsilon=1.01 * epsilon, bayes_entropy_B=None)
    assert epsilon_agrees(blunt).passed, "single losses are too noisy to see it"


def test_a_rate_at_the_edge_of_its_candidates_is_told_but_fails_nothing(quiet):
    assert "inside the range" in rates_inside(quiet).sentence
    edge = dataclasses.replace(quiet, cells=quiet.cells[quiet.cells["learning_rate"] > 1e-3])
    assert rates_inside(edge).passed and "for 21 of 21 horizons and D" in rates_inside(edge).sentence
    assert rates_inside(edge).edge == "at an edge" and rates_inside(quiet).edge == ""


def test_what_nearly_failed_is_told_as_near_its_limit(quiet):
    def told(closure):
        run = dataclasses.replace(quiet, ensembles=quiet.ensembles.assign(closure=closure * CLOSURE))
        return identity_closes(run).passed, identity_closes(run).edge

    assert [told(share) for share in (0.5, 0.95, 1.05)] == [(True, ""), (True, NEAR), (False, "")]


def diverged(cells):
    stored = cells["role"] == "stored"
    return cells.assign(status=np.where(stored & (cells["draw"] == 0), "diverged", cells["status"]))


def shifted(cells, column, by):
    return cells.assign(**{column: [values + by for values in cells[column]]})


def test_a_run_in_which_nothing_finished_is_told_in_sentences(quiet):
    nothing = dataclasses.replace(
        quiet, cells=quiet.cells.assign(status="diverged"), ensembles=quiet.ensembles.iloc[:0]
    )
    for name, function in ESTIMATES.items():
        assert isinstance(function(nothing, LEVEL), str), name
    assert not all(check.passed for check in checks(nothing, expected=len(nothing.cells)))


def test_estimates_keep_the_level_they_were_asked_for(quiet):
    for function in ESTIMATES.values():
        found = function(quiet, 0.8)
        assert isinstance(found, str) or found.level == 0.8


def test_bias_and_variance_that_move_together_are_seen_to():
    sizes = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000)
    run = analysis(World(sizes=sizes, noise=0.002, stored_noise=0.01, spread=0.02))
    found = ESTIMATES["bias_variance_correlation"](run, LEVEL)
    assert isinstance(found, Estimate) and found.high < 0 and found.n == len(sizes)
