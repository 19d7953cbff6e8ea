"""Work grows with the rows, not with their square, and more rows than are fitted are refused with a remedy."""

import numpy as np
import pandas as pd
import pytest

from testbed.stats.scaling import leverage as leaving
from testbed.stats.scaling import resamples as resampling
from testbed.stats.scaling.fit import fit
from testbed.stats.scaling.law import scaling_law
from testbed.stats.scaling.leverage import REFITS, leverage
from testbed.stats.scaling.objectives import OBJECTIVES
from testbed.stats.scaling.problem import problem
from testbed.stats.scaling.reading import read
from testbed.stats.scaling.resamples import by_cells, by_seeds
from testbed.stats.scaling.table import MOST_ROWS, check_rows, losses
from tests.cli.common import asked, refused
from tests.stats.scaling.planted import FORM, exact, planted

SQUARES = OBJECTIVES["log-squares"]


def many(rows, cells):
    """A table of rows in so many cells."""
    rng = np.random.default_rng(0)
    params, tokens = 10 ** rng.uniform(7, 10, cells), 10 ** rng.uniform(9, 12, cells)
    at = np.arange(rows) % cells
    loss = exact(params, tokens)[at] * np.exp(0.003 * rng.standard_normal(rows))
    return losses(params[at], tokens[at], loss)


@pytest.mark.parametrize(("cells", "remedy"), [(500, "average the losses of each cell, which leaves 500"),
                                               (100_000, "keep one row of every 5, which leaves 20000")])  # fmt: skip
def test_many_rows_are_refused_before_any_fit_with_a_remedy_that_works(cells, remedy, monkeypatch):
    table = many(100_000, cells)
    monkeypatch.setattr("testbed.stats.scaling.law.fit", lambda *given: pytest.fail("it was fitted"))
    with pytest.raises(ValueError, match=f"100000 rows in {cells} cells: a fit takes 20000 at most; {remedy}"):
        scaling_law(table, FORM, SQUARES, interval="profile", level=0.95)
    kept = table.first_C if cells == 500 else np.arange(0, 100_000, 5)
    check_rows(table.rows(kept))


def test_many_rows_of_a_file_are_refused(tmp_path, capsys):
    table = many(MOST_ROWS + 1, 40)
    frame = pd.DataFrame({"params": table.params_N, "tokens": table.tokens_N, "loss": table.loss_N})
    frame.to_csv(tmp_path / "many.csv", index=False)
    assert refused(asked(capsys, "fit", tmp_path / "many.csv"), "20001 rows in 40 cells", "which leaves 40")
    frame.groupby(["params", "tokens"], as_index=False).mean().to_csv(tmp_path / "few.csv", index=False)
    assert len(read(tmp_path / "few.csv", {}).line_N) == 40


def test_the_absence_of_few_of_many_units_is_fitted(monkeypatch):
    table, refitted, descend = many(6000, 6000), [], leaving.descend
    monkeypatch.setattr(leaving, "descend", lambda *a, **k: refitted.append(len(a[1])) or descend(*a, **k))
    within = {"alpha": (0.34, 0.34), "beta": (0.28, 0.28)}
    given = problem(FORM, table, SQUARES, within)
    found = leverage(given, table, fit(given))
    assert found.refits == sum(refitted) == REFITS and found.hat_U.shape == (6000,)
    assert max(refitted) * 6000 <= leaving.ROWS


@pytest.mark.parametrize("by", [by_cells, by_seeds])
def test_resamples_that_are_drawn_in_parts_are_the_same(by, monkeypatch):
    table = planted(0.01, np.random.default_rng(1))
    given = problem(FORM, table, SQUARES)
    fitted = fit(given)
    whole = by(given, table, fitted, seed=0, resamples=50).coordinate_RQ
    monkeypatch.setattr(resampling, "HELD", 7 * 72)
    parted = by(given, table, fitted, seed=0, resamples=50).coordinate_RQ
    assert parted == pytest.approx(whole, rel=1e-9)
