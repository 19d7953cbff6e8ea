"""A learner that counts, its parts known in closed form, through the same measures and claims as a network."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from testbed.measure.geometric import decompose
from testbed.studies.grid import GridStudy
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.bounds import bounds
from testbed.studies.grid.checks import checks
from testbed.studies.grid.parts import loss_parts
from testbed.studies.grid.variance import variances
from testbed.verdict import Claim, judge

ESTIMATES = GridStudy.estimates()

V, LENGTH, SEQUENCES, REPLICATES = 3, 128, 120, 24
TOKENS, HORIZONS, BATCH = (2_000, 8_000, 32_000), (250, 500, 1_000), 1_000
LEVEL = 0.95


class Chain:
    """A first-order Markov chain with a known law; learners of order 0 and 1 count its symbols."""

    def __init__(self, rng):
        self.rows_VV = rng.dirichlet(np.full(V, 2.0), size=V)
        values, vectors = np.linalg.eig(self.rows_VV.T)
        first = np.real(vectors[:, np.argmax(np.real(values))])
        self.stationary_V = first / first.sum()

    def sample(self, rng, count, length):
        """Sequences of one symbol more than ``length``: the first is only context."""
        tokens = np.empty((count, length + 1), dtype=int)
        tokens[:, 0] = rng.choice(V, size=count, p=self.stationary_V)
        cumulative_VV = self.rows_VV.cumsum(1)[:, :-1]
        for t in range(length):
            tokens[:, t + 1] = (rng.random(count)[:, None] > cumulative_VV[tokens[:, t]]).sum(1)
        return tokens

    def counts(self, rng, tokens):
        """Transition counts of ``tokens`` independent transitions from the stationary law."""
        starts_V = rng.multinomial(tokens, self.stationary_V)
        return np.stack([rng.multinomial(n, row) for n, row in zip(starts_V, self.rows_VV, strict=True)])

    def bias(self, order):
        """The exact divergence that order 0 cannot lose; order 1 has none."""
        ratio_VV = np.log(self.rows_VV / self.stationary_V)
        return float(self.stationary_V @ (self.rows_VV * ratio_VV).sum(1)) if order == 0 else 0.0


def learned(counts_VV, order):
    """Krichevsky–Trofimov estimate of the next symbol after each symbol."""
    kept_VV = counts_VV if order else np.broadcast_to(counts_VV.sum(0), (V, V))
    return np.log((kept_VV + 0.5) / (kept_VV + 0.5).sum(1, keepdims=True))


@pytest.fixture(scope="module")
def world():
    return Chain(np.random.default_rng(0))


@pytest.fixture(scope="module")
def run(world):
    rng = np.random.default_rng(1)
    tokens_BL = world.sample(rng, SEQUENCES, LENGTH)
    context_BL, next_BL = tokens_BL[:, :-1], tokens_BL[:, 1:]
    log_true_VV = np.log(world.rows_VV)
    rows, logs = [], {}
    for order, parameters in ((0, V - 1), (1, V * (V - 1))):
        plan = [(role, h, h * BATCH) for h in HORIZONS for role in ("pilot", "online")]
        plan += [(role, HORIZONS[-1], d) for d in TOKENS for role in ("stored pilot", "stored")]
        for role, horizon, tokens in plan:
            for r in range(REPLICATES):
                log_VV = learned(world.counts(rng, tokens), order)
                kl_V = (world.rows_VV * (log_true_VV - log_VV)).sum(1)
                rows.append(
                    {
                        "parameters": parameters,
                        "role": role,
                        "tokens": tokens,
                        "draw": r,
                        "initialisation": r,
                        "learning_rate": 1.0,
                        "horizon": horizon,
                        "status": "finished",
                        "step_C": np.array([horizon]),
                        "kl_CB": kl_V[context_BL].mean(1)[None],
                        "ce_CB": -log_VV[context_BL, next_BL].mean(1)[None],
                        "train_loss_C": np.zeros(1),
                        "kept_step": horizon,
                    }
                )
                if horizon == HORIZONS[-1] and "pilot" not in role:
                    logs.setdefault((parameters, role, tokens), []).append(log_VV)
    ensembles = []
    for (parameters, role, tokens), replicas in logs.items():
        parts = decompose((log_true_VV[context_L], np.stack(replicas)[:, context_L]) for context_L in context_BL)
        fields = {name: getattr(parts, name) for name in parts.__struct_fields__}
        ensembles.append({"parameters": parameters, "role": role, "tokens": tokens} | fields)
    entropy = -float(world.stationary_V @ (world.rows_VV * log_true_VV).sum(1))
    nll_B = -log_true_VV[context_BL, next_BL].mean(1)
    return Analysis(pd.DataFrame(rows), pd.DataFrame(ensembles), entropy, 0.0, nll_B, "final")


def test_variance_is_parameters_over_twice_the_tokens(run, world):
    """(V−1)/(2D) when the model is right; with sandwich factor when it is not (order 0)."""
    measured = variances(run, [V * (V - 1)], level=LEVEL)
    found = measured.above("value")
    error = np.sqrt(found.covariance().diagonal())
    bias = measured.bias[V * (V - 1)]
    for (size, tokens), value, noise in zip(measured.points, found.mean_Q, error, strict=True):
        assert abs(value - size / 2 / tokens) < 4 * noise + bias.high - bias.low
        assert bias.high - bias.low < 0.05 * size / 2 / max(TOKENS)


def test_bias_of_the_order_that_cannot_fit_is_its_exact_divergence(run, world):
    found = bounds(run, V - 1, level=LEVEL).bias
    assert found.low <= world.bias(0) * 1.15 and world.bias(0) * 0.85 <= found.high
    assert found.value == pytest.approx(world.bias(0), rel=0.15)
    assert bounds(run, V * (V - 1), level=LEVEL).bias.high < 1e-4


def test_iid_variance_in_closed_form():
    rng = np.random.default_rng(2)
    p_V = np.array([0.5, 0.3, 0.2])
    kl = []
    for counts_V in rng.multinomial(4_000, p_V, size=4_000):
        q_V = (counts_V + 0.5) / (counts_V.sum() + 0.5 * V)
        kl.append(float(p_V @ np.log(p_V / q_V)))
    assert abs(np.mean(kl) - (V - 1) / 8_000) < 4 * np.std(kl) / np.sqrt(len(kl)) + 0.01 * (V - 1) / 8_000


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("variance_exponent", 0.75, None),
        ("lowest_excess", -2e-3, None),
        ("parts_add_up", -0.02, 0.02),
        ("online_step", None, 0.0),
        ("identity_closure", None, 1e-9),
    ],
)
def test_planted_truths_are_supported(run, name, low, high):
    claim = Claim(id=name, sentence="planted", section="test", quantity=name, low=low, high=high, level=LEVEL)
    found = ESTIMATES[name](run, LEVEL)
    judged = judge(claim, found, checks(run, expected=len(run.cells)))
    assert judged.verdict == "supported", judged.reason


def test_the_center_of_the_order_that_cannot_fit_does_not_depend_on_tokens(run):
    wrong = dataclasses.replace(run, ensembles=run.ensembles[run.ensembles["parameters"] == V - 1])
    found = ESTIMATES["bias_on_tokens"](wrong, LEVEL)
    assert -0.05 < found.low <= found.high < 0.05


def test_the_exponent_is_one(run):
    found = ESTIMATES["variance_exponent"](run, LEVEL)
    assert found.low < 1 < found.high


def test_parts_are_the_loss(run):
    table = loss_parts(run, level=LEVEL)
    assert np.allclose(table[["epsilon", "bias", "gap", "variance"]].sum(axis=1), table["loss"], atol=1e-14)
