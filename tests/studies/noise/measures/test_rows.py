"""Rows of numbers: the shape of noise given the query keeps its size when queries are put together."""

import numpy as np
import pytest
from scipy import stats

from testbed.stats.distance import distance
from testbed.stats.normality import henze_zirkler, lilliefors
from testbed.stats.streaming import sums
from testbed.studies.noise.measures import rows
from testbed.studies.noise.measures.observe import PRINCIPAL, RANDOM
from testbed.studies.noise.measures.seen import Seen

SHARE = np.array([0.5, 0.3, 0.2])
MEAN_VM = np.array([[0.0, 0.0], [3.0, 1.0], [-2.0, 4.0]])
SCALE_V = np.array([1.0, 0.3, 2.0])
ROUND_VMM = np.tile(np.eye(2), (3, 1, 1))
TILTED_VMM = np.linalg.cholesky([[[1.0, tilt], [tilt, 1.0]] for tilt in (0.6, -0.6, -0.6)])
SKEWED = stats.gamma(16)


def seen(rng, count=600, draw=None, mix_VMM=ROUND_VMM):
    """What would be seen of vectors, by default Gaussian, whose mean, scale and mixing depend on the query."""
    query_B = rng.choice(3, p=SHARE, size=count)
    noise_BM = rng.standard_normal((count, 2)) if draw is None else draw(rng, (count, 2))
    noise_BM = np.einsum("bmk,bk->bm", mix_VMM[query_B], noise_BM)
    x_BM = MEAN_VM[query_B] + SCALE_V[query_B, None] * noise_BM
    centre_VOM = np.repeat(MEAN_VM[:, None] + 0.1, 3, axis=1)
    second_VWW = np.stack([sums(x_BM[query_B == v], MEAN_VM[v] + 0.1).second_WW for v in range(3)])
    direction_MR = np.linalg.qr(rng.standard_normal((2, 2)))[0][:, [0, 1, 0, 0, 1]]
    projected_BR = (x_BM - MEAN_VM[query_B] - 0.1) @ direction_MR
    return Seen(
        centre_VOM=centre_VOM,
        second_VOWW=np.repeat(second_VWW[:, None], 3, axis=1),
        direction_OMR=np.repeat(direction_MR[None], 3, axis=0),
        projected_BOR=np.repeat(projected_BR[:, None], 3, axis=1).astype(np.float32),
        query_B=query_B,
        effective_N=np.array([7.0]),
    )


def test_levels_know_what_is_given():
    found = {(row["part"], row["given"]): row for row in rows.levels(seen(np.random.default_rng(0), 20_000))}
    within = 2 * SHARE @ SCALE_V**2
    between = SHARE @ ((MEAN_VM - SHARE @ MEAN_VM) ** 2).sum(1)
    given, free = found["attention", "query"], found["attention", "nothing"]
    assert given["variance"] == pytest.approx(within, abs=4 * given["error"])
    assert free["variance"] == pytest.approx(within + between, abs=4 * free["error"])
    assert given["effective"] == 7.0 and len(found) == 6


def share_rejected(simulations, pooled):
    """How often the test of one projection rejects Gaussian noise at 5 %; the liar pools groups as they are."""
    whole, count = seen(np.random.default_rng(1), 600 * simulations), 0
    for part in (slice(start, start + 600) for start in range(0, 600 * simulations, 600)):
        drawn = whole._replace(projected_BOR=whole.projected_BOR[part], query_B=whole.query_B[part])
        groups = rows._projection(drawn, 0, 0, "query")
        x_B = np.concatenate(groups) if pooled else rows._standardised(groups)
        count += lilliefors(x_B).p_value < 0.05
    return count / simulations


def test_groups_standardised_apart_keep_the_size_of_the_test_and_pooled_ones_do_not():
    assert 0.03 < share_rejected(1000, pooled=False) < 0.07  # ±3 standard errors
    assert share_rejected(100, pooled=True) > 0.5


def test_shapes_tell_every_projection_and_find_what_is_not_gaussian():
    skewed = seen(np.random.default_rng(2), 4000, lambda rng, size: rng.exponential(size=size) - 1)
    found = [row for row in rows.shapes(skewed) if row["part"] == "attention" and row["given"] == "query"]
    assert [row["direction"] for row in found] == [f"random {i + 1}" for i in range(RANDOM)] + [
        f"principal {i + 1}" for i in range(PRINCIPAL)
    ]
    for row in found:
        assert row["distance_low"] > row["floor_95"] and row["lilliefors_p"] < 1e-4 and row["skewness_p"] < 1e-4
        assert len(row["quantiles"]) == 61 and np.all(np.diff(row["quantiles"]) >= 0)


def test_the_interquartile_range_keeps_its_scale():
    one, two = (
        next(rows.shapes(seen(np.random.default_rng(3), 4000, lambda rng, size, s=s: s * rng.standard_normal(size))))
        for s in (1.0, 2.0)
    )
    assert two["iqr"] == pytest.approx(2 * one["iqr"], rel=1e-4)
    assert two["distance"] == pytest.approx(one["distance"], rel=1e-3)


def test_both_ways_to_a_variance_agree():
    for row in rows.shapes(seen(np.random.default_rng(4))):
        if row["given"] == "nothing":
            assert row["projected"] == pytest.approx(row["summed"], rel=1e-4)


def test_noise_without_spread_has_no_shape():
    still = seen(np.random.default_rng(5), 200, lambda rng, size: np.zeros(size))
    row = next(rows.shapes(still))
    assert np.isnan(row["distance"]) and np.isnan(row["iqr"])
    assert list(rows.joint(still)) == []


def test_rounding_across_a_line_has_no_shape():
    """Noise in a line has rounding across it, of few values, and no law that could be told from any other."""
    rng = np.random.default_rng(9)
    line = seen(rng, 900, mix_VMM=np.tile([[1.0, 0.0], [0.0, 0.0]], (3, 1, 1)))
    along_BO = SCALE_V[line.query_B, None] * rng.standard_normal((900, 1)) * np.ones(3)
    across_BO = 1e-7 * rng.integers(-2, 3, (900, 3))
    projected_BOR = np.stack([along_BO, along_BO, along_BO, along_BO, across_BO], axis=2).astype(np.float32)
    found = rows.shapes(line._replace(projected_BOR=projected_BOR))
    told = {row["direction"]: row["distance"] for row in found if row["given"] == "query"}
    assert told["principal 1"] < 0.06 and np.isnan(told["principal 2"])


def test_the_joint_test_reads_the_principal_plane():
    found = list(rows.joint(seen(np.random.default_rng(6), 800)))
    assert [row["dimensions"] for row in found] == [2, 2, 2] and all(row["p_value"] > 1e-4 for row in found)
    bent = seen(np.random.default_rng(6), 800, lambda rng, size: rng.exponential(size=size))
    assert all(row["p_value"] < 1e-4 for row in rows.joint(bent))


def tilted(rng, count=200):
    """Gaussian vectors of two queries, correlated one way and the other."""
    return [rng.standard_normal((count, 2)) @ TILTED_VMM[query].T for query in (0, 1)]


def scaled(groups):
    """The liar: every coordinate divided by its own deviation."""
    return np.stack([rows._standardised([group[:, axis] for group in groups]) for axis in (0, 1)], axis=1)


def test_correlations_that_differ_between_queries_are_no_departure_from_gaussian():
    rng = np.random.default_rng(7)
    rejected = [henze_zirkler(rows._whitened(tilted(rng))).p_value < 0.05 for _ in range(400)]
    assert abs(np.mean(rejected) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean([henze_zirkler(scaled(tilted(rng, 600))).p_value < 0.05 for _ in range(20)]) > 0.9
    told = next(iter(rows.joint(seen(rng, 1500, mix_VMM=TILTED_VMM))))
    assert told["p_value"] > 1e-3


def test_the_joint_test_leaves_out_a_query_whose_noise_lies_in_a_line():
    flat_VMM = TILTED_VMM.copy()
    flat_VMM[2] = [[1.0, 0.0], [1.0, 0.0]]
    planted = seen(np.random.default_rng(8), 900, mix_VMM=flat_VMM)
    found = next(iter(rows.joint(planted)))
    assert found["count"] == np.sum(planted.query_B != 2) and found["p_value"] > 1e-3


def opposite(rng, count):
    """Noise skewed to the right given one query and to the left given another."""
    return [SKEWED.rvs(count, random_state=rng), -SKEWED.rvs(count, random_state=rng)]


def test_opposite_skews_cancel_in_the_mixture_and_not_in_queries_taken_apart():
    found = rows._shape(opposite(np.random.default_rng(9), 20_000))
    assert abs(found["skewness"]) < 0.05 and found["distance_high"] < 0.02 < found["distance_apart_low"]


def test_the_distance_of_queries_taken_apart_is_covered_and_rarely_seen_in_gaussian_noise():
    z = np.linspace(-6, 6, 20_001)
    truth = np.abs(SKEWED.cdf(16 + 4 * z) - stats.norm.cdf(z)).max()
    rng, held, seen_in_noise, naive = np.random.default_rng(10), 0, 0, 0
    for _ in range(300):
        skewed = rows._apart(opposite(rng, 500))
        held += skewed["distance_apart_low"] <= truth <= skewed["distance_apart_high"]
        noise = [rng.standard_normal(size) for size in (30, 100, 500)]
        seen_in_noise += rows._apart(noise)["distance_apart_low"] > 0
        naive += max(distance(each, level=rows.LEVEL).estimate.low for each in noise) > 0
    slack = 4 * np.sqrt(0.05 * 0.95 / 300)
    assert held / 300 > rows.LEVEL - slack and seen_in_noise / 300 < 0.05
    assert naive > seen_in_noise  # the liar: every query at the level, as if it were the only one
