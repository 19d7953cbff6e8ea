"""How noise passes a network, against Gaussian samples and closed forms; the delta method at a kink is told apart."""

import numpy as np
import pytest

from testbed.model.feedforward.gelu import Gelu
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.relu import Relu
from testbed.model.feedforward.step import Step
from testbed.studies.noise.predictions import passage
from testbed.theory.feedforward import FeedForward

SAMPLES = 200_000
KINDS = {
    "relu": (Relu(), lambda x: np.maximum(x, 0), 4),
    "one relu": (Relu(), lambda x: np.maximum(x, 0), 1),
    "holder": (Holder(exponent=0.3), lambda x: np.sign(x) * np.abs(x) ** 0.3, 1),
    "step": (Step(), np.sign, 1),
}


def network(function, hidden, width=3):
    """A network whose hidden units are zero at (1, 1, 1)."""
    rng = np.random.default_rng(1)
    up_MF, down_FM = rng.standard_normal((width, hidden)), rng.standard_normal((hidden, width))
    return FeedForward(up_MF, -up_MF.sum(0), down_FM, rng.standard_normal(width), function, None)


@pytest.mark.parametrize("name", KINDS)
def test_gaussian_noise_at_a_kink(name):
    kind, function, hidden = KINDS[name]
    plain, rng = network(function, hidden), np.random.default_rng(2)
    factor_MM = 0.05 * rng.standard_normal((3, 3))
    found_3 = passage.kinked(plain, kind, factor_MM @ factor_MM.T)
    a_BM = 1 + rng.standard_normal((SAMPLES, 3)) @ factor_MM.T
    fed_BM = function(a_BM @ plain.up_MF + plain.up_F) @ plain.down_FM
    for value, x_BM in zip(found_3, (a_BM, fed_BM, a_BM + fed_BM), strict=True):
        square_B = ((x_BM - x_BM.mean(0)) ** 2).sum(1)
        error = square_B.std() / SAMPLES**0.5
        assert abs(value - square_B.mean()) < 4 * error + 1e-5 * value
    slope_MM = plain.up_MF @ plain.down_FM / 2  # the liar: the slope of ReLU at zero, ½, as if it were smooth there
    smooth = np.linalg.norm(factor_MM.T @ slope_MM) ** 2
    assert abs(smooth / found_3[1] - 1) > 0.1


def test_what_has_no_closed_form_is_not_a_number():
    covariance_MM = np.eye(3)
    for kind, function, _ in (KINDS["holder"], KINDS["step"]):
        found_3 = passage.kinked(network(function, 2), kind, covariance_MM)
        assert found_3[0] == 3 and np.isnan(found_3[1:]).all()
        assert np.isnan(passage.kinked(network(function, 1), kind, 0 * covariance_MM)[1:]).all()
    assert passage.kinked(network(np.abs, 1), Relu(), 0 * covariance_MM).tolist() == [0, 0, 0]


def test_means_to_second_order():
    """Exact for squares, and for an exponential up to the fourth order."""
    factor_MM = np.random.default_rng(0).standard_normal((3, 3))
    covariance_MM, mean_M = factor_MM @ factor_MM.T, np.array([1.0, -2.0, 0.5])
    squares = passage.expected(np.square, mean_M, covariance_MM)
    np.testing.assert_allclose(squares, mean_M**2 + np.diag(covariance_MM), rtol=1e-8)
    assert not np.allclose(squares, mean_M**2, rtol=0.1)
    small = passage.expected(np.exp, mean_M, 1e-4 * covariance_MM)
    np.testing.assert_allclose(small, np.exp(mean_M + 5e-5 * np.diag(covariance_MM)), rtol=1e-7)


def test_exponents_of_the_shelf():
    assert [passage.exponent(kind) for kind in (Relu(), Holder(exponent=0.4), Step(), Gelu())] == [1.0, 0.4, 0.0, None]
    assert [passage.is_smooth(kind) for kind in (Relu(), Holder(), Step(), Gelu())] == [False, False, False, True]
