"""Laws of the shelf of measures on ensembles: every measure, the same random ensemble with impossible symbols."""

import numpy as np
import pytest

from testbed.studies.grid.measures import Measure, measures
from tests.studies.grid.planted_ensemble import Planted

R, B, L = 3, 12, 8


@pytest.fixture(scope="module")
def ensemble():
    """R replicates on B windows of a world that excludes symbols here and there."""
    planted = Planted(replicates=R, windows=B, length=L)
    assert np.isinf(planted.windows.logp_BLV).any()
    return planted


@pytest.mark.parametrize("name", measures())
def test_a_measure_gives_finite_plain_rows(name, ensemble):
    measure = measures()[name]
    assert issubclass(measure, Measure)
    rows = measure.observe(ensemble)
    assert rows
    numbers = [
        value
        for row in rows
        for column, value in row.items()
        if not (isinstance(value, str) or row.get("sentence") or column.startswith(("noise_of", "log_error")))
    ]
    assert np.isfinite(numbers).all()
    assert len({tuple(row) for row in rows}) == 1


def test_positions_average_to_the_mean_divergence_of_the_split(ensemble):
    rows = measures()["positions"].observe(ensemble)
    (split,) = measures()["split"].observe(ensemble)
    assert [row["t"] for row in rows] == list(range(1, L + 1))
    assert np.mean([row["K"] for row in rows]) == pytest.approx(split["mean_kl"], abs=1e-12)
    shifted = np.mean([row["K"] for row in rows[1:]])
    assert shifted != pytest.approx(split["mean_kl"], abs=1e-3), "an off-by-one in t would not be seen"


def test_positions_hold_the_entropy_of_the_truth(ensemble):
    """By an independent sum over symbols, loop by loop."""
    rows = measures()["positions"].observe(ensemble)
    for at, row in enumerate(rows):
        laws = [np.exp(log_star_LV[at]) for log_star_LV, _ in ensemble.pairs()]
        want = np.mean([sum(-p * np.log(p) for p in law if p > 0) for law in laws])
        assert row["h"] == pytest.approx(want, abs=1e-12)
        each = [
            np.mean(
                [sum(p * (np.log(p) - q) for p, q in zip(np.exp(s[at]), r[at], strict=True) if p > 0) for r in logs]
            )
            for s, logs in ensemble.pairs()
        ]
        assert row["K"] == pytest.approx(np.mean(each), abs=1e-12)
        assert row["K_se"] == pytest.approx(np.std(each, ddof=1) / np.sqrt(B), abs=1e-12)


def test_endless_replicates_are_less_blurred_than_a_few_and_two_tell_nothing(ensemble):
    (split,) = measures()["split"].observe(ensemble)
    (row,) = measures()["endless"].observe(ensemble)
    assert row["replicates"] == R and row["low"] <= row["center"] <= row["high"]
    assert row["center"] < split["center"], "a mean of few replicates keeps some of their spread"
    assert measures()["endless"].observe(Planted(replicates=2)) == []
    assert measures()["endless"].observe(Planted(replicates=0)) == []


def test_a_rotation_is_fitted_to_all_places_of_the_windows():
    """Audited: a stride that the length of the windows divides met their first position only, where all are alike."""
    from testbed.studies.grid.measures.trainings_signal import chosen

    assert {place % 32 for place in chosen(32 * 512, 32 * 4).tolist()} > set(range(0, 32, 4))
    assert len(chosen(100, 4096)) == 100 and len(set(chosen(4096, 64).tolist())) == 64
