"""Each predicted law against averages drawn with plain numpy; wrong slopes are rejected."""

import numpy as np
import pytest
from scipy import stats

from testbed.laws.record import Mixing
from testbed.theory.kinks import signed_power, two_slopes
from testbed.theory.laws import SUMMABLE, TABLE, Growing, Setting, averaged, predicted
from testbed.theory.random_energy import participation

LENGTHS = (16, 64, 256, 1024)
REPLICATES = 4000


def variance(values_R):
    """The variance with its standard error."""
    square_R = (values_R - values_R.mean()) ** 2
    return square_R.mean(), square_R.std() / len(values_R) ** 0.5


def interquartile(values_R):
    """The interquartile range with its standard error, from eight parts."""
    parts = np.subtract(*np.quantile(values_R.reshape(8, -1), [0.75, 0.25], axis=1))
    return parts.mean(), parts.std(ddof=1) / 8**0.5


def slope(averages, spread, *, seed, lengths=LENGTHS):
    """Slope of log spread against log n over independent samples, with its standard error."""
    rng = np.random.default_rng(seed)
    found = np.array([spread(averages(rng, n)) for n in lengths])
    x_N = np.log(lengths) - np.log(lengths).mean()
    weight_N = x_N / (x_N @ x_N)
    return weight_N @ np.log(found[:, 0]), np.sqrt(weight_N**2 @ (found[:, 1] / found[:, 0]) ** 2)


def independent(rng, n):
    return (rng.random((REPLICATES, n)) < 0.3).mean(1) - 0.3


def markov(rng, n):
    """Signs that keep their value with probability 0.75."""
    turn_RL = np.where(rng.random((REPLICATES, n)) < 0.25, -1.0, 1.0)
    turn_RL[:, 0] = rng.choice([-1.0, 1.0], size=REPLICATES)
    return np.cumprod(turn_RL, axis=1).mean(1)


def one_regime(rng, n):
    share_R = rng.choice([0.2, 0.5], size=REPLICATES)
    return (rng.random((REPLICATES, n)) < share_R[:, None]).mean(1)


def quarter_blocks(rng, n):
    share_R4 = rng.choice([0.1, 0.9], size=(REPLICATES, 4))
    return rng.binomial(n // 4, share_R4).mean(1) / (n // 4)


def power_blocks(rng, n):
    """Signs of blocks with P(length > s) = (1 + s)^−1.5, met at a random moment."""
    age_R = rng.random(REPLICATES) ** -2.0 - 1  # density of the age ∝ (1 + age)^−1.5
    length_RB = np.empty((REPLICATES, n + 1))
    length_RB[:, 0] = (1 + age_R) * rng.random(REPLICATES) ** (-1 / 1.5) - 1 - age_R
    length_RB[:, 1:] = np.maximum(rng.random((REPLICATES, n)) ** (-1 / 1.5) - 1, 0)
    end_RB = np.minimum(np.cumsum(length_RB, axis=1), n)
    sign_RB = rng.choice([-1.0, 1.0], size=length_RB.shape)
    return (sign_RB * np.diff(end_RB, axis=1, prepend=0)).sum(1) / n


def largest(rng, n):
    """The value at the largest of n continuous scores."""
    value_RL = rng.standard_normal((REPLICATES, n))
    return np.take_along_axis(value_RL, rng.random((REPLICATES, n)).argmax(1)[:, None], axis=1)[:, 0]


def three_largest(rng, n):
    """The mean value of the three largest of n continuous scores, with weights in proportion to their exponentials."""
    value_RL, score_RL = rng.standard_normal((REPLICATES, n)), rng.standard_normal((REPLICATES, n))
    chosen_R3 = np.argsort(score_RL, axis=1)[:, -3:]
    weight_R3 = np.exp(np.take_along_axis(score_RL, chosen_R3, axis=1))
    return (weight_R3 * np.take_along_axis(value_RL, chosen_R3, axis=1)).sum(1) / weight_R3.sum(1)


def heavy(rng, n):
    return stats.levy_stable.rvs(1.5, 0, size=(REPLICATES, n), random_state=rng).mean(1)


def gaussian_mean(rng, n):
    return rng.standard_normal(REPLICATES) / n**0.5


def holder(rng, n):
    mean_R = gaussian_mean(rng, n)
    return np.sign(mean_R) * np.abs(mean_R) ** 0.5


WORLDS = {
    "summable": (independent, Setting(world=Mixing(decay="independent", value=0.0)), 0.0),
    "markov": (markov, Setting(world=SUMMABLE), 0.03),
    "never": (one_regime, Setting(world=Mixing(decay="never", value=1.0)), 0.12),
    "growing": (quarter_blocks, Setting(world=Growing(share=0.25)), 0.05),
    "power law": (power_blocks, Setting(world=Mixing(decay="power law", value=0.5)), 0.06),
    "hard max": (largest, Setting(world=SUMMABLE, attention="hard max", continuous=True), 0.0),
    "top k": (three_largest, Setting(world=SUMMABLE, attention="top k", continuous=True), 0.02),
    "heavy": (heavy, Setting(world=SUMMABLE, value_tail=1.5), 0.0),
    "holder": (holder, Setting(world=SUMMABLE, kink=0.5), 0.0),
    "relu": (lambda rng, n: np.maximum(gaussian_mean(rng, n), 0), Setting(world=SUMMABLE, kink=1.0), 0.0),
    "step": (lambda rng, n: np.sign(gaussian_mean(rng, n)), Setting(world=SUMMABLE, kink=0.0), 0.01),
}


@pytest.mark.parametrize("name", WORLDS)
def test_simulated_averages_have_the_predicted_slope(name):
    averages, setting, bias = WORLDS[name]
    law = predicted(setting)
    spread = variance if law.measure == "variance" else interquartile
    lengths = (64, 256, 1024, 4096) if name == "power law" else LENGTHS
    found, error = slope(averages, spread, seed=7, lengths=lengths)
    assert abs(found - law.slope) < 4 * error + bias, (found, error)
    assert abs(found - (law.slope - 0.3)) > 4 * error + bias  # liars
    assert abs(found - (law.slope + 0.3)) > 4 * error + bias


def test_shapes_at_a_kink_are_those_predicted():
    rng = np.random.default_rng(0)
    drawn_R, rectified = np.maximum(gaussian_mean(rng, 100), 0), two_slopes(0.1, above=1.0, below=0.0)
    assert drawn_R.var() == pytest.approx(rectified.variance, rel=0.1)
    assert stats.skew(drawn_R) == pytest.approx(rectified.skewness, abs=0.15)
    powers_R = holder(rng, 100)
    assert stats.kurtosis(powers_R) == pytest.approx(signed_power(0.1, 0.5).excess_kurtosis, abs=0.1)
    signs_R = np.sign(gaussian_mean(rng, 100))
    assert set(signs_R) == {-1.0, 1.0} and predicted(Setting(world=SUMMABLE, kink=0.0)).limit == "two values"
    assert stats.kurtosis(signs_R) == pytest.approx(signed_power(0.1, 0.0).excess_kurtosis, abs=0.01)


def test_gaussian_logits_fall_as_their_participation_says():
    law = predicted(Setting(world=SUMMABLE, logit_deviation=2.0))
    assert law.slope is None and law.gaussian
    rng = np.random.default_rng(1)
    for n in (16, 256):
        weight_RL = np.exp(2 * rng.standard_normal((REPLICATES, n)))
        mean_R = (weight_RL * rng.standard_normal((REPLICATES, n))).sum(1) / weight_RL.sum(1)
        found, error = variance(mean_R)
        assert abs(found - participation(2.0, n).value / n) < 4 * error
        assert abs(found - np.exp(4) / n) > 4 * error  # the liar: the limit


def test_the_largest_of_finitely_many_keys_is_soon_seen():
    """The best of two symbols is worth 1 and comes with probability 0.2, the other is worth 0."""
    for attention in ("hard max", "top k"):
        law = predicted(Setting(world=SUMMABLE, attention=attention))
        assert law.slope is None and law.limit == "degenerate"
    rng = np.random.default_rng(2)
    for n in (8, 16):
        missing = 0.8**n
        found, error = variance((rng.random((40_000, n)) < 0.2).any(1).astype(float))
        assert abs(found - missing * (1 - missing)) < 4 * error


def test_single_laws_say_what_fails():
    assert averaged(Mixing(decay="power law", value=1.0)).slope is None
    assert averaged(Mixing(decay="power law", value=1.5)).slope == -1.0
    assert averaged(Mixing(decay="finite", value=3.0)).gaussian
    assert averaged(Mixing(decay="geometric", value=-0.9)).gaussian
    assert averaged(Mixing(decay="periodic", value=2.0)).limit == "unknown"


def test_where_two_assumptions_fail_the_slower_decay_is_told():
    slow, never = Mixing(decay="power law", value=0.2), Mixing(decay="never", value=1.0)
    assert predicted(Setting(world=slow, kink=0.5)).slope == pytest.approx(-0.1)
    assert predicted(Setting(world=slow, value_tail=1.8)).slope == pytest.approx(1 / 1.2 - 1)
    assert predicted(Setting(world=Mixing(decay="power law", value=0.9), value_tail=1.2)).slope == pytest.approx(
        1 / 1.2 - 1
    )
    assert predicted(Setting(world=never, value_tail=1.5)).slope == 0
    assert predicted(Setting(world=never, logit_deviation=1.0)).limit == "mixture"
    assert predicted(Setting(world=SUMMABLE, value_tail=1.5, kink=0.5)).slope == pytest.approx(-1 / 6)
    for attention in ("hard max", "top k"):
        hard = Setting(world=SUMMABLE, attention=attention, continuous=True, value_tail=1.5)
        assert (predicted(hard).slope, predicted(hard).measure) == (0, "interquartile range")
    heavy_step = predicted(Setting(world=SUMMABLE, value_tail=1.5, kink=0.0))
    assert (heavy_step.slope, heavy_step.limit, heavy_step.measure) == (0, "two values", "variance")
    assert predicted(Setting(world=SUMMABLE, logit_deviation=2.0, kink=0.0)).slope == 0
    assert predicted(Setting(world=SUMMABLE, attention="hard max", kink=0.0)).limit == "degenerate"


def test_the_table_is_that_of_the_study():
    laws = {name: predicted(setting) for name, setting in TABLE}
    slopes = [law.slope for law in laws.values()]
    assert slopes == [-1.0, 0.0, 0.0, -0.5, None, 0.0, None, 0.0, pytest.approx(-1 / 3), -0.5, -1.0, 0.0]
    assert [law.gaussian for law in laws.values()] == [True, *[False] * 3, True, *[False] * 7]
    assert all(len(law.why) > 20 for law in laws.values())


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"value_tail": 2.5}, "no variance in"),
        ({"value_tail": 1.5, "attention": "hard max"}, "set continuous"),
        ({"value_tail": 1.5, "attention": "top k"}, "set continuous"),
        ({"kink": 1.5}, "1 for ReLU"),
        ({"kink": -0.1}, "0 for a step"),
        ({"logit_deviation": 0.0}, "above 0"),
    ],
)
def test_settings_without_sense_are_refused(fields, rule):
    with pytest.raises(ValueError, match=rule):
        Setting(world=SUMMABLE, **fields)
    with pytest.raises(ValueError, match="part of the window"):
        Growing(share=1.5)
