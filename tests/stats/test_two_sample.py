"""The distance of two samples: against scipy, with its floor, size and power, and liars that forget something."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from testbed.stats.two_sample import NOT_FINITE, two_sample

SIGMAS = 4.0  # a true law fails once in 3·10⁴ tests


def compared(first_BNM, second_BSM, *, directions=8, relabellings=19, seed=0):
    return two_sample(first_BNM, second_BSM, directions=directions, relabellings=relabellings, seed=seed)


def symbols(rng, shape):
    """Vectors of three symbols, all of which occur often."""
    return np.random.default_rng(0).standard_normal((3, shape[-1]))[rng.choice(3, size=shape[:-1], p=[0.6, 0.3, 0.1])]


LAWS = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy": lambda rng, shape: rng.standard_cauchy(shape),
    "symbols": symbols,
}
every_law = pytest.mark.parametrize("draw", LAWS.values(), ids=LAWS)


def scipy_along(x_NM, y_SM, directions, seed):
    line_MQ = np.random.default_rng(seed).standard_normal((x_NM.shape[1], directions))
    line_MQ /= np.linalg.norm(line_MQ, axis=0)
    return [ks_2samp(np.round(x_NM @ u_M, 9), np.round(y_SM @ u_M, 9), method="asymp") for u_M in line_MQ.T]


@every_law
@pytest.mark.parametrize("other", [40, 73])
def test_the_distance_is_that_of_scipy(draw, other):
    rng = np.random.default_rng(0)
    x_BNM, y_BSM = draw(rng, (3, 40, 4)), draw(rng, (3, other, 4))
    each_BQ = [[test.statistic for test in scipy_along(x, y, 5, 7)] for x, y in zip(x_BNM, y_BSM, strict=True)]
    found = compared(x_BNM, y_BSM, directions=5, seed=7)
    assert found.distance == pytest.approx(np.max(each_BQ, axis=1).mean(), abs=1e-12)
    assert found.n == 40


def meets_the_null(floor, draw, *, simulations=400):
    """Whether a floor is, on average, the distance of samples of 30 and 30 vectors of one law."""
    rng = np.random.default_rng(1)
    above = []
    for _ in range(simulations):
        pair = draw(rng, (1, 30, 4)), draw(rng, (1, 30, 4))
        above.append(compared(*pair).distance - floor(*pair))
    return abs(np.mean(above)) < SIGMAS * np.std(above) / np.sqrt(simulations)


@every_law
def test_the_floor_is_what_equal_laws_show(draw):
    assert meets_the_null(lambda x, y: compared(x, y).floor, draw)


def test_unmatched_floors_are_rejected():
    def of_more_vectors(x_BNM, y_BSM):
        return compared(*(np.repeat(each, 2, axis=1) for each in (x_BNM, y_BSM))).floor

    def of_one_direction(x_BNM, y_BSM):
        return compared(x_BNM, y_BSM, directions=1).floor

    def of_the_sample_with_itself(x_BNM, y_BSM):
        return compared(x_BNM, x_BNM).distance

    for liar in (of_more_vectors, of_one_direction, of_the_sample_with_itself):
        assert not meets_the_null(liar, LAWS["normal"])


def size(p_value, draw, *, simulations=2000):
    """How often samples of one law are rejected at 5 %."""
    rng = np.random.default_rng(2)
    pairs = ((draw(rng, (2, 20, 3)), draw(rng, (2, 27, 3))) for _ in range(simulations))
    return np.mean([p_value(*pair) <= 0.05 for pair in pairs])


@every_law
def test_the_test_keeps_its_size(draw):
    rejected = size(lambda x, y: compared(x, y).p_value, draw)
    # ties of D make the test milder for symbols
    assert rejected < 0.065 and (rejected > 0.035 or draw is symbols)


def test_a_p_value_that_forgets_that_directions_were_searched_is_caught():
    def unaware(x_BNM, y_BSM):
        return min(test.pvalue for test in scipy_along(x_BNM[0], y_BSM[0], 8, 0))

    assert size(unaware, LAWS["normal"], simulations=500) > 0.065


def test_vectors_that_are_correlated_along_a_sample_are_not_what_the_floor_is_for():
    def wandering(rng, shape):
        return np.cumsum(rng.standard_normal(shape), axis=1)

    assert size(lambda x, y: compared(x, y).p_value, wandering, simulations=100) > 0.5


OTHERS = {
    "moved": lambda x_BNM: x_BNM + 0.4,
    "wider": lambda x_BNM: 2.0 * x_BNM,
    "correlated": lambda x_BNM: x_BNM @ np.array([[1.0, 0.9], [0.0, np.sqrt(1 - 0.9**2)]]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_laws_are_found(name):
    rng = np.random.default_rng(3)
    pairs = [(rng.standard_normal((1, 200, 2)), OTHERS[name](rng.standard_normal((1, 200, 2)))) for _ in range(60)]
    assert np.mean([compared(*pair).p_value <= 0.05 for pair in pairs]) > 0.9
    # a correlation shows along no axis: each coordinate alone has one law in both samples
    axes = [ks_2samp(*(each[0, :, 0] for each in pair), method="asymp").pvalue <= 0.05 for pair in pairs]
    assert np.mean(axes) < 0.2 if name == "correlated" else np.mean(axes) > 0.3


def test_pairs_are_averaged_and_find_more():
    rng = np.random.default_rng(4)
    x_BNM, y_BSM = rng.standard_normal((8, 50, 3)), rng.standard_normal((8, 50, 3)) + 0.2
    alone = [compared(x_BNM[at : at + 1], y_BSM[at : at + 1]) for at in range(8)]
    together = compared(x_BNM, y_BSM, relabellings=999)
    assert together.distance == pytest.approx(np.mean([each.distance for each in alone]), abs=1e-12)
    assert together.p_value < min(each.p_value for each in alone)


def test_the_floor_falls_as_one_over_the_root_of_the_sample():
    rng = np.random.default_rng(5)
    few, many = (compared(*rng.standard_normal((2, 40, count, 4))).floor for count in (50, 800))
    assert few / many == pytest.approx(4, rel=0.1)


def test_rounding_tells_no_laws_apart_and_small_differences_do():
    rng = np.random.default_rng(6)
    x_BNM = symbols(rng, (1, 200, 4)).astype(np.float32)
    rounded = x_BNM * np.float32(1 + 2**-22)
    assert compared(x_BNM, rounded).distance == 0
    line_M = np.ones(4)
    assert ks_2samp(x_BNM[0] @ line_M, rounded[0] @ line_M, method="asymp").statistic > 0.3, (
        "ties by value are the liar"
    )
    assert compared(x_BNM, x_BNM * 1.001).distance > 0.5


def test_what_cannot_be_compared_is_told_or_refused():
    rng = np.random.default_rng(7)
    x_BNM = rng.standard_normal((1, 10, 3))
    for broken in (np.nan, np.inf):
        y_BNM = x_BNM.copy()
        y_BNM[0, 0, 0] = broken
        assert compared(x_BNM, y_BNM) == NOT_FINITE
    for shape in ((0, 10, 3), (1, 0, 3), (1, 10, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            compared(np.zeros(shape), np.zeros(shape))
    with pytest.raises(ValueError, match="0 relabellings"):
        compared(x_BNM, x_BNM, relabellings=0)
    flat = compared(np.zeros((1, 10, 3)), np.zeros((1, 12, 3)))
    assert (flat.distance, flat.floor, flat.p_value, flat.n) == (0, 0, 1, 10)
