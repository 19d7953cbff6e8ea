"""Law: when K falls in training, and how long it stays between, is found on curves on which it was planted."""

import dataclasses

import msgspec
import numpy as np
import pandas as pd
import pytest

from testbed.cell import Evaluation
from testbed.measure.regret import encoded
from testbed.predictors import Counting
from testbed.stats.estimate import Estimate
from testbed.stats.mean import mean
from testbed.studies.grid import GridStudy
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.estimates import plateaus
from testbed.studies.grid.estimates.plateaus import TOLERANCE, spent
from testbed.studies.grid.foresight import foresight
from testbed.studies.grid.guess import Guess
from testbed.studies.grid.layout import Grid, Training
from testbed.studies.grid.planting import PLANTERS
from testbed.studies.grid.planting.curves import CURVES
from testbed.studies.grid.simulated import simulated
from testbed.studies.grid.surface import Falls, surface
from testbed.verdict import Claim, judge
from tests.shared.small import EXPERIMENT

LEVEL, DRAWS = 0.95, 400
ESTIMATES = GridStudy.estimates()
STUDY = msgspec.structs.replace(
    EXPERIMENT,
    grid=Grid(multiples=(1,), tokens=(64,), replicates=6),
    training=Training(steps=2048, ratio=16, learning_rates=(0.01,), stopping="final", pilots=1),
    evaluation=Evaluation(sequences=64, checkpoints=100),
    references=(Counting(order=0),),
    guess=Guess(bias=(0.02,), gap=1e-3, fresh_noise=0.2, spread=0.05),
)
UNIFORM = float(np.log(6)) - surface(STUDY, None).epsilon
STEPS, FINE = (np.unique(np.round(np.geomspace(1, 2048, count), 1)) for count in (100, 400))
END, COUNTED = 0.01, pd.DataFrame({"spec": [encoded(Counting(order=0))]})
PAUSED = Falls(UNIFORM, UNIFORM / 2, 0.8, (0.4, 0.12, 0.4, 0.12, 0.5), stretched=0.3)
PLAIN = dataclasses.replace(PAUSED, decades_5=(0.4, 0.15, 0.15, 0.15, 0.5))


def course(falls):
    return dataclasses.replace(surface(STUDY, None), falls=falls)


def own(name):
    """The estimate of that name, which asks for less than a whole grid."""
    return getattr(plateaus, name)


def drawn(planted, seed, name):
    return ESTIMATES[name](simulated(STUDY, planted, np.random.default_rng([seed, 3])), LEVEL)


def trained(falls, seed, step_C=STEPS, replicates=6):
    """What estimates ask of a run: curves of so many seeds, of which each falls in its own time."""
    rng = np.random.default_rng([seed, 3])
    ends = END * np.exp(0.2 * rng.standard_normal(replicates) - 0.02)
    curves = [falls.drawn(rng).course(np.log10(step_C), end) for end in ends]
    window_B = np.exp(0.05 * rng.standard_normal(16))
    window_B /= window_B.mean()  # the same windows for runs and references, so that neither is on easier ones
    frame = pd.DataFrame({"draw": range(replicates), "initialisation": range(replicates)}).assign(
        step_C=[step_C] * replicates, kl_CB=[k_C[:, None] * window_B for k_C in curves]
    )
    own = COUNTED.assign(kl_B=[falls.unigram * window_B])
    run = object.__new__(Analysis)
    run.__dict__.update(
        references=own, bayes_entropy_B=np.full(16, 0.5), read=slice(None), alphabet=float(np.exp(0.5 + falls.uniform)),
        horizons={100: [2048]}, online=lambda size, horizon: frame,
    )  # fmt: skip
    return run


def tried(name, falls, number, step_C=STEPS, draws=DRAWS):
    """The estimates that a number gives of so many runs, and the planted truth."""
    return [number(trained(falls, seed, step_C), LEVEL) for seed in range(draws)], truth(name, falls)


def truth(name, falls):
    return PLANTERS[name].true(dataclasses.replace(course(falls), bias_P=np.array([END]), gap_PT=np.full((1, 3), 0.0)))


def check(found, planted, *, allowed):
    """Two standard errors of the mean beside what straight lines between checkpoints cost, and coverage."""
    values = np.array([each.value for each in found])
    held = np.mean([each.low <= planted <= each.high for each in found])
    assert abs(values.mean() - planted) <= 2 * values.std() / np.sqrt(len(values)) + allowed, (values.mean(), planted)
    assert 0.92 <= held <= 0.98, held


SPACING = float(np.log10(2048)) / 99
COST = {"first_fall": 0.3, "second_fall": 0.3, "falls_apart": 0.3, "plateau_length": 1.0, "end_over_plateau": 0.0}
"""In spacings of the checkpoints: a corner of the planted course lies between two of them."""


@pytest.mark.parametrize("name", COST)
def test_a_planted_time_is_found_and_covered(name):
    check(*tried(name, PAUSED, own(name)), allowed=COST[name] * SPACING)


def test_a_pause_is_found_where_it_is_and_none_where_the_loss_falls_once():
    """Where the bands take equally long, the slower of the two is told as too slow, to the side of no pause."""
    pause = Claim(id="p", sentence="s", section="t", quantity="plateau_pause", low=0.0, high=None, level=LEVEL)
    fast = PLANTERS["plateau_pause"].bent(course(PAUSED), -0.15).falls
    for falls, expected in ((PAUSED, "supported"), (PLAIN, "undecided"), (fast, "refuted")):
        found, planted = tried("plateau_pause", falls, plateaus.plateau_pause, FINE)
        words = [judge(pause, each, ()).verdict for each in found]
        assert words.count(expected) >= 0.75 * len(words), (falls, {word: words.count(word) for word in set(words)})
        assert expected == "supported" or words.count("supported") <= 0.05 * len(words)
        held = np.mean([each.low <= planted <= each.high for each in found])
        assert falls is fast or 0.92 <= held <= 0.98, held  # a hundredth of a decade is seen as longer


def test_between_checkpoints_that_lie_apart_a_pause_is_told_as_shorter():
    found, planted = tried("plateau_pause", PAUSED, plateaus.plateau_pause)
    assert -1.5 * SPACING < np.mean([each.value for each in found]) - planted < 0
    assert np.mean([each.low > planted for each in found]) <= 0.025


def of_the_mean_curve(run, level):
    """The liar: the curves are averaged over seeds first, which smears a plateau that each of them has."""
    frame = run.online(100, 2048)
    own_CB, mean_CB = frame["kl_CB"], np.mean(list(frame["kl_CB"]), axis=0)
    smeared = frame.assign(kl_CB=[0.999 * mean_CB + 0.001 * each for each in own_CB])
    run.__dict__["online"] = lambda size, horizon: smeared
    return plateaus.plateau_length(run, level)


def slowest_left_out(run, level):
    """The liar: the seed that falls last is left out, as one that was not trained to its end."""
    frame = run.online(100, 2048)
    late = max(frame.index, key=lambda index: float(frame.at[index, "kl_CB"].mean(1).sum()))
    run.__dict__["online"] = lambda size, horizon: frame.drop(index=late)
    return plateaus.second_fall(run, level)


@pytest.mark.parametrize(("liar", "name"), [(of_the_mean_curve, "plateau_length"), (slowest_left_out, "second_fall")])
def test_an_estimator_that_lies_is_found_out(liar, name):
    found, planted = tried(name, PAUSED, liar)
    with pytest.raises(AssertionError):
        check(found, planted, allowed=COST[name] * SPACING)


def on_windows_of_its_own(falls, seed):
    """A run whose reference is on easier or harder windows than training: the worst of the noise of windows."""
    run = trained(falls, seed)
    rng = np.random.default_rng([seed, 4])
    own_B = np.exp(0.5 * rng.standard_normal(16) - 0.125)
    run.__dict__["references"] = COUNTED.assign(kl_B=[falls.unigram * own_B])
    return run


def seeds_alone(run, level):
    """The liar: the interval of K at the end over the unigram's counts the noise of seeds only."""
    _, k_RC = plateaus._curves(run)
    return mean(k_RC[:, -1] / plateaus.levels(run).unigram, level=level)


def test_the_end_over_the_plateau_counts_the_noise_of_windows():
    low = dataclasses.replace(PAUSED, unigram=UNIFORM / 3)
    runs = [on_windows_of_its_own(low, seed) for seed in range(DRAWS)]
    planted = truth("end_over_plateau", low)
    held = [
        np.mean([each.low <= planted <= each.high for each in (number(run, LEVEL) for run in runs)])
        for number in (plateaus.end_over_plateau, seeds_alone)
    ]
    assert 0.92 <= held[0] <= 0.98 and held[1] < 0.92, held


def test_time_at_the_level_is_no_pause():
    """A loss that falls once spends time at every level: `plateau_length` above 0 would support any claim."""
    found, planted = tried("plateau_length", PLAIN, plateaus.plateau_length, draws=40)
    assert planted == PLAIN.decades_5[2] and all(each.low > 0 for each in found)


def test_time_between_levels_is_exact_on_straight_lines():
    log_C = np.array([0.0, 0.5, 1.0, 2.0])
    k_RC = np.array([[4.0, 3.0, 1.0, 1.0], [4.0, 4.0, 4.0, 4.0], [1.0, 3.0, 1.0, 0.0]])
    np.testing.assert_allclose(spent(log_C, k_RC, 1.0, 3.0), [0.5, 0.0, 1.0])
    np.testing.assert_allclose(spent(log_C, k_RC, 3.0, np.inf), [0.5, 2.0, 0.0])
    np.testing.assert_allclose(spent(log_C, k_RC, 0.5, 1.5), [0.125 + 1.0, 0.0, 0.125 + 0.125 + 0.5])


def test_whatever_does_not_fall_or_has_no_level_is_told_in_a_sentence():
    late = dataclasses.replace(PAUSED, start=2.5, scatter=0.01)
    early = dataclasses.replace(PAUSED, start=-2.0)
    for name in set(CURVES) - {"end_over_plateau"}:
        assert "seeds begin below" in drawn(course(early), 0, name)
        assert name == "first_fall" or "seeds do not fall below" in drawn(course(late), 0, name)
    run = simulated(STUDY, course(PAUSED), np.random.default_rng(0))
    for name in CURVES:
        bare = dataclasses.replace(run, references=run.references.iloc[:0])
        assert "no reference counts single tokens" in ESTIMATES[name](bare, LEVEL)
        assert "is not well between" in ESTIMATES[name](dataclasses.replace(run, alphabet=2), LEVEL)


def test_training_that_ends_in_the_band_below_has_no_pause_and_is_not_told_as_slow():
    """It had been: the time at the end of training counted as time to pass."""
    planted = dataclasses.replace(course(PAUSED), bias_P=np.array([0.35 * PAUSED.unigram]))
    found = drawn(planted, 0, "plateau_pause")
    assert isinstance(found, str) and "seeds do not fall below" in found
    assert isinstance(drawn(planted, 0, "second_fall"), Estimate)


def test_a_course_is_read_off_pilots():
    log_C = np.log10(np.arange(1, 2049))
    k_RC = np.stack([PAUSED.course(log_C, 0.02)] * 2)
    seen = PLAIN.seen(log_C, k_RC)
    np.testing.assert_allclose(seen.decades_5[1:4], PAUSED.decades_5[1:4], atol=0.02)
    assert abs(seen.start - PAUSED.start) < 0.05
    assert PLAIN.seen(log_C[:60], k_RC[:, :60]) == PLAIN and PLAIN.seen(np.zeros(0), np.zeros((0, 0))) == PLAIN


def test_a_study_without_a_counting_reference_is_told_so():
    bare = msgspec.structs.replace(STUDY, references=())
    claim = Claim(id="p", sentence="s", section="t", quantity="plateau_pause", low=0.0, high=None, level=LEVEL)
    assert "needs a reference that counts single tokens" in foresight(bare, None).planted(claim)
    assert isinstance(drawn(course(PAUSED), 1, "plateau_pause"), Estimate) and TOLERANCE < 1 / 3
