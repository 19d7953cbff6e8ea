"""The plane of log SNR: powers are covered with and without scatter beyond the errors, the fit is tested at level."""

import numpy as np
import pytest

from testbed.stats.identified import NoInformation
from testbed.stats.signal.local import local_slopes
from testbed.stats.signal.moderated import moderated
from testbed.stats.signal.plane import Cells, plane
from tests.stats.laws import repeated
from tests.stats.signal.planted import cells

LEVEL = 0.95
SIMULATIONS = 400


def planes(simulations=SIMULATIONS, **options):
    rng = np.random.default_rng(0)
    return repeated(lambda: plane(cells(rng, **options), level=LEVEL), simulations)


def covered(parts, truth):
    return np.mean([part.low <= truth <= part.high for part in parts])


@pytest.mark.parametrize("extra", [0.0, 0.03, 0.2])
@pytest.mark.parametrize(("shape", "freedom"), [((3, 3, 3), 1000.0), ((3, 3, 3), 3.0), ((4, 3, 2), 8.0)])
def test_the_powers_and_the_profile_are_covered(shape, freedom, extra):
    found = planes(shape=shape, freedom=freedom, extra=extra, a=2.0, b=1.0)
    shares = [
        covered([each.tokens for each in found], 2.0),
        covered([each.noise for each in found], 1.0),
        covered([each.profile[-1] for each in found], 1.4),
    ]
    assert min(shares) >= LEVEL - 0.03 and max(shares) <= LEVEL + 0.04, shares
    assert covered([each.least_rise for each in found], 0.7) >= LEVEL - 0.03
    for part, truth in (("tokens", 2.0), ("noise", 1.0)):
        values = np.array([getattr(each, part).value for each in found])
        assert abs(values.mean() - truth) < 2.5 * values.std() / np.sqrt(len(values))


@pytest.mark.parametrize(("freedom", "shape"), [(1000.0, (3, 3, 3)), (8.0, (4, 3, 1)), (3.0, (3, 3, 3))])
def test_the_lack_of_fit_is_found_at_its_level_and_with_power(freedom, shape):
    p_values = np.array([each.lack_of_fit for each in planes(freedom=freedom, shape=shape)])
    assert np.mean(p_values < 0.05) <= 0.08
    assert np.mean([each.lack_of_fit < 0.05 for each in planes(100, freedom=freedom, shape=shape, extra=0.2)]) > 0.9


def test_errors_that_ignore_the_scatter_are_a_liar():
    """The plane by weighted least squares with errors taken as known, on cells that scatter more."""
    found = planes(extra=0.2)
    rng = np.random.default_rng(0)
    half = []
    for _ in found:
        given = cells(rng, extra=0.2)
        along = np.log(given.tokens_N)
        weight = given.error_N**-2
        half.append(1.96 / np.sqrt(weight @ (along - weight @ along / weight.sum()) ** 2))
    off = np.array([abs(each.tokens.value - 1.0) for each in found])
    assert np.mean(off <= half) < 0.6 and covered([each.tokens for each in found], 1.0) > 0.915


def opposite(rng):
    """Cells whose slope on log D is 2 at the least P and 0 at the largest: 1 on the whole."""
    given = cells(rng, shape=(3, 3, 1))
    along_N, size_N = np.log(given.tokens_N / 2e3), np.log(given.params_N / 4e4) / np.log(4)
    return given._replace(log_snr_N=given.log_snr_N - size_N * along_N)


def test_one_slope_for_opposite_ones_is_a_liar():
    rng = np.random.default_rng(1)
    made = [opposite(rng) for _ in range(100)]
    pooled = [plane(given, level=LEVEL) for given in made]
    assert np.mean([abs(each.tokens.value - 1) < 0.2 for each in pooled]) > 0.95
    assert np.mean([each.lack_of_fit < 1e-6 for each in pooled]) == 1
    assert np.mean([local_slopes(given, 1.0, level=LEVEL).departure.low > 0.5 for given in made]) > 0.95


@pytest.mark.parametrize("freedom", [1000.0, 3.0])
def test_local_slopes_hold_at_once_where_all_are_as_expected(freedom):
    rng = np.random.default_rng(2)
    found = repeated(lambda: local_slopes(cells(rng, freedom=freedom), 1.0, level=LEVEL), SIMULATIONS)
    assert len(found[0].pairs) == 18
    assert np.mean([all(pair.slope.low <= 1 <= pair.slope.high for pair in each.pairs) for each in found]) >= 0.92
    assert np.mean([each.departure.low == 0 for each in found]) >= 0.92


def test_a_profile_that_falls_once_is_told_by_the_least_rise():
    rng = np.random.default_rng(3)
    given = cells(rng, shape=(3, 4, 2))
    given = given._replace(log_snr_N=given.log_snr_N - 1.5 * (given.params_N == given.params_N.max()))
    found = plane(given, level=LEVEL)
    assert found.least_rise.high < 0 < found.profile[1].low and len(found.profile) == 3


@pytest.mark.parametrize(
    ("shape", "open_parts"),
    [
        ((3, 3, 1), {"noise"}),
        ((3, 1, 3), {"least_rise"}),
        ((1, 3, 3), {"tokens"}),
        ((1, 1, 3), {"tokens", "least_rise"}),
    ],
)
def test_what_the_cells_leave_open_is_a_sentence_and_the_rest_a_number(shape, open_parts):
    found = plane(cells(np.random.default_rng(4), shape=shape), level=LEVEL)
    for part in ("tokens", "noise", "least_rise"):
        assert isinstance(getattr(found, part), str) == (part in open_parts), part


def test_a_ray_leaves_both_data_and_parameters_open():
    given = cells(np.random.default_rng(5), shape=(1, 4, 2))
    found = plane(given._replace(tokens_N=20 * given.params_N), level=LEVEL)
    assert (
        isinstance(found.tokens, str) and isinstance(found.least_rise, str) and found.noise.low < 1 < found.noise.high
    )


def test_a_plane_is_that_of_statsmodels():
    import statsmodels.api as sm

    given = cells(np.random.default_rng(6), shape=(3, 2, 2))
    given = given._replace(error_N=np.linspace(0.04, 0.06, 12), freedom_N=np.full(12, 1e6))
    found = plane(given, level=LEVEL)
    columns = [given.params_N == size for size in found.params_P]
    design = np.column_stack([*columns, np.log(given.tokens_N), -np.log(given.variance_N)]).astype(float)
    error_N, _ = moderated(given.error_N, given.freedom_N)
    fit = sm.WLS(given.log_snr_N, design, weights=np.hypot(error_N, found.extra) ** -2).fit()
    assert [found.tokens.value, found.noise.value] == pytest.approx(fit.params[2:].tolist())
    assert found.profile[0].value == pytest.approx(fit.params[1] - fit.params[0])


def test_errors_of_one_law_become_one_and_others_stay():
    rng = np.random.default_rng(7)
    same, freedom = moderated(np.sqrt(rng.chisquare(3, 200) / 3), np.full(200, 3.0))
    assert same == pytest.approx(1.0, rel=0.1) and freedom.min() > 50
    truth = np.exp(rng.standard_normal(200))
    apart, freedom = moderated(truth * np.sqrt(rng.chisquare(50, 200) / 50), np.full(200, 50.0))
    assert np.corrcoef(np.log(truth), np.log(apart))[0, 1] > 0.98 and freedom.max() < 60


def test_cells_without_a_logarithm_are_refused():
    given = cells(np.random.default_rng(8))
    for column in ("error_N", "log_snr_N", "variance_N"):
        spoilt = np.array(getattr(given, column))
        spoilt[3] = np.inf if column == "error_N" else -np.inf if column == "log_snr_N" else 0.0
        with pytest.raises(NoInformation):
            plane(Cells(**{**given._asdict(), column: spoilt}), level=LEVEL)
