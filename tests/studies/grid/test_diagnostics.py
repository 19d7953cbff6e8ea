"""Law: behind the correlation of bias and variance stands a table of cells, as statsmodels finds it; or a sentence."""

import dataclasses

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.outliers_influence import OLSInfluence

from testbed.stats.identified import NoInformation
from testbed.studies.grid import GridStudy
from testbed.studies.grid.estimates.influence import COLUMNS, diagnostics
from testbed.studies.grid.estimates.together import columns, logarithms
from tests.studies.grid.synthetic import World, analysis

SIZES, LEVEL = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000), 0.95
WORLD = World(sizes=SIZES, noise=0.002, stored_noise=0.01, spread=0.02)


@pytest.fixture(scope="module")
def run():
    return analysis(WORLD)


@pytest.fixture(scope="module")
def table(run):
    return diagnostics(run, level=LEVEL)


def test_every_column_is_that_of_statsmodels(table):
    assert list(table) == COLUMNS and len(table) == len(SIZES) * len(WORLD.tokens) and (table["sentence"] == "").all()
    given = np.column_stack([np.ones(len(table)), *(table["tokens"] == d for d in WORLD.tokens[1:])]).astype(float)
    x, y = np.log(table["K_online"]), np.log(table["V"])
    line = OLS(y.to_numpy(), np.column_stack([given, x])).fit()
    influence = OLSInfluence(line)
    for name, wanted in {
        "log_K_online": x,
        "log_V": y,
        "fitted": line.fittedvalues,
        "residual": line.resid,
        "studentised": influence.resid_studentized_external,
        "leverage": influence.hat_matrix_diag,
        "cook": influence.cooks_distance[0],
    }.items():
        np.testing.assert_allclose(table[name], wanted, rtol=1e-6, atol=1e-9, err_msg=name)
    rest = [OLS(np.asarray(one), given).fit().resid for one in (x, y)]
    assert table["partial"].to_numpy() == pytest.approx(np.corrcoef(rest)[0, 1])


def test_the_interval_is_that_which_is_judged(run, table):
    found = GridStudy.estimates()["bias_variance_correlation"](run, LEVEL)
    row = table.iloc[0]
    assert (row["correlation"], row["low"], row["high"], row["level"]) == (found.value, found.low, found.high, LEVEL)
    assert row["method"] == found.method and row["n"] == found.n == len(SIZES)


def test_a_cell_that_is_off_is_found(run):
    """K of one size at one D doubled: its row has the greatest residual and the greatest distance of Cook."""
    off = (run.cells["parameters"] == 8_000) & (run.cells["tokens"] == 16_384) & (run.cells["role"] == "stored")
    doubled = [2 * kl if one else kl for kl, one in zip(run.cells["kl_CB"], off, strict=True)]
    found = diagnostics(dataclasses.replace(run, cells=run.cells.assign(kl_CB=doubled)), level=LEVEL)
    for name in ("cook", "studentised"):
        worst = found.loc[found[name].abs().idxmax()]
        assert (worst["parameters"], worst["tokens"]) == (8_000, 16_384), name


def test_few_sizes_leave_cells_and_a_sentence_and_so_does_a_v_of_zero(run):
    few = diagnostics(analysis(World()), level=LEVEL)
    assert len(few) == 12 and few["leverage"].isna().all() and (few["V"] > 0).all()
    assert few["sentence"].str.contains("3 sizes leave a correlation without an interval of use; 6 are needed").all()
    cells = columns(run, LEVEL)
    with pytest.raises(NoInformation, match="V is not above zero at every size and D"):
        logarithms(cells._replace(variance_N=cells.variance_N - cells.variance_N.min()))


def test_nothing_that_finished_leaves_no_rows(run):
    nothing = dataclasses.replace(run, cells=run.cells.assign(status="diverged"))
    assert list(diagnostics(nothing, level=LEVEL)) == COLUMNS and not len(diagnostics(nothing, level=LEVEL))
