"""Synthetic tables of a study of noise, as a run would leave them: known laws, and samples of known shape."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from testbed.stats.decay import decay_slope
from testbed.stats.distance import distance
from testbed.stats.normality import anderson_darling, henze_zirkler, kurtosis, lilliefors, skewness
from testbed.studies.noise.page.content import NoisePage
from tests.studies.noise.page_arms import ARMS, NAN, trained

LEVEL = 0.95
DIRECTIONS = ("random 1", "random 2", "random 3", "principal 1", "principal 2")
Z = np.linspace(-3, 3, 61)


def parts(arm):
    """(layer, part) that are observed."""
    named = ("attention",) if arm.part == "attention" else ("attention", "feedforward")
    named = ("attention", "feedforward", "representation") if len(arm.layers) > 1 else named
    return [(layer, part) for layer in arm.layers for part in named]


def truth(arm, layer, part, given, n):
    law = arm.plateau + arm.constant * n**arm.slope * {"attention": 1, "feedforward": 0.4, "representation": 1.9}[part]
    return law / layer**1.5 + (arm.between if given == "nothing" else 0.0)


def levels(arms, rng):
    rows = []
    for arm in arms:
        for layer, part in parts(arm):
            for given in ("query", "nothing"):
                for n in arm.lengths:
                    value, share = truth(arm, layer, part, given, n), 0.02
                    known = arm.predicted and layer == 1 and part == arm.part
                    seen = value * (1 + share * rng.standard_normal())
                    used = max(1.0, arm.effective * n)
                    rows.append((arm.name, 0, layer, part, given, n, 4096, seen, share * value, used,
                                 value if known else NAN))  # fmt: skip
    columns = "arm draw layer part given length sequences variance error effective predicted"
    return pd.DataFrame(rows, columns=columns.split())


def _shape(rng, arm, n, scale, count):
    x = arm.shape(rng, count, n)
    found = distance(x, level=LEVEL)
    tests = [test(x) for test in (lilliefors, anderson_darling, skewness, kurtosis)]
    standard = np.quantile((x - x.mean()) / x.std(ddof=1), norm.cdf(Z))
    width = scale * float(np.subtract(*np.quantile(x, [0.75, 0.25])))
    return (
        count, found.estimate.value, found.estimate.low, found.estimate.high, found.error, found.floor, found.floor_95,
        tests[0].p_value, tests[1].p_value, tests[2].statistic, tests[2].p_value, tests[3].statistic, tests[3].p_value,
        width, 0.02 * width, standard.tolist(),
    )  # fmt: skip


def shapes(arms, rng, count=1000):
    rows = []
    for arm in arms:
        for layer in arm.layers:
            for n in arm.lengths:
                scale = n**arm.slope if arm.measure != "variance" else truth(arm, layer, arm.part, "query", n) ** 0.5
                rows += [(arm.name, 0, layer, arm.part, "query", n, direction, *_shape(rng, arm, n, scale, count))
                         for direction in DIRECTIONS]  # fmt: skip
    columns = (
        "arm draw layer part given length direction count distance distance_low distance_high distance_error floor "
        "floor_95 lilliefors_p anderson_darling_p skewness skewness_p kurtosis kurtosis_p iqr iqr_error quantiles"
    )
    return pd.DataFrame(rows, columns=columns.split())


def joint(arms, rng, count=200):
    rows = []
    for arm in arms:
        for n in arm.lengths:
            found = henze_zirkler(np.stack([arm.shape(rng, count, n) for _ in range(2)], axis=1))
            rows.append((arm.name, 0, arm.layers[0], arm.part, "query", n, 2, count, found.statistic, found.p_value))
    columns = "arm draw layer part given length dimensions count statistic p_value"
    return pd.DataFrame(rows, columns=columns.split())


def law(low, high, power):
    if low >= -1.05 * power and high <= -0.95 * power:
        return "supported"
    return "refuted" if high < -1.05 * power or low > -0.95 * power else "undecided"


def _fit(arm, layer, part, given, measure, frame):
    n, value, error, sequences = (frame[name].to_numpy(float) for name in ("length", "value", "error", "sequences"))
    found = decay_slope(n, value, error, sequences, level=LEVEL)
    own = given == "query" and measure == arm.measure and (layer, part) == (1, arm.part)
    ratio = float((frame["value"] / frame["predicted"]).tail(3).mean())
    slope, limit = found.slope, arm.plateau + (arm.between if given == "nothing" else 0.0)
    told = law(slope.low, slope.high, 1.0 if measure == "variance" else 0.5)
    return (
        arm.name, layer, part, given, measure, slope.value, slope.low, slope.high, found.constant, found.lack_of_fit,
        limit, max(0.0, limit - 0.004), limit + 0.005, -arm.slope, -arm.slope - 0.02, -arm.slope + 0.03, 0.47, 0.41,
        np.inf, arm.predicted_slope if own else NAN, ratio, ratio - 0.02, ratio + 0.02, told,
    )  # fmt: skip


def fits(arms, measured, shaped):
    rows = []
    named = {arm.name: arm for arm in arms}
    for (name, layer, part, given), frame in measured.groupby(["arm", "layer", "part", "given"], sort=False):
        frame = frame.rename(columns={"variance": "value"})
        rows.append(_fit(named[name], layer, part, given, "variance", frame))
    for name, frame in shaped[shaped["direction"] == "random 1"].groupby("arm", sort=False):
        if named[name].measure != "variance":
            frame = frame.assign(value=frame["iqr"], error=frame["iqr_error"], sequences=frame["count"], predicted=NAN)
            rows.append(_fit(named[name], 1, named[name].part, "query", named[name].measure, frame))
    columns = (
        "arm layer part given measure slope slope_low slope_high constant lack_of_fit limit limit_low limit_high gamma "
        "gamma_low gamma_high rate rate_low rate_high predicted_slope ratio ratio_low ratio_high law"
    )
    return pd.DataFrame(rows, columns=columns.split())


def assumed(arms, rng):
    notes = (
        ("A1", "largest norm of a query", 1.7, NAN, "The largest over all sequences; a bound of 2 was asked for."),
        ("A1", "largest norm of a value", 2.9, NAN, "The largest over all sequences."),
        ("A2", "local Lipschitz constant of attention", 0.84, NAN, "The largest singular value of the Jacobian seen."),
        ("A3", "distance of the laws of keys between halves", 0.013, 0.012, "Energy distance; floor by permutation."),
        ("A4", "local Lipschitz constant of the feed-forward layer", 1.3, NAN, "By power iteration on the Jacobian."),
    )
    rows = [
        (arm.name, assumption, 1, quantity, value * (30.0 if arm.assumption == assumption else 1.0), floor, note)
        for arm in arms
        for assumption, quantity, value, floor, note in notes
    ]
    columns = "arm assumption layer quantity value floor note"
    return pd.DataFrame(rows, columns=columns.split())


def described(arms):
    rows = [
        (arm.name, arm.assumption, arm.switch, arm.world, "1 layer, 2 heads, width 32, softmax at scale 1/d_k",
         arm.weights, arm.predicted_slope, arm.measure, arm.limit,
         "The weights of attention decorrelate as fast as the world, so that the sum over positions is a mean.",
         arm.part)
        for arm in arms
    ]  # fmt: skip
    columns = "arm assumption switch world model weights predicted_slope predicted_measure predicted_limit why part"
    table = pd.DataFrame(rows, columns=columns.split())
    for name in ("A1", "A2", "A3", "A4"):
        table[name] = [
            f"dropped: as the arm {arm.name} says." if arm.assumption == name else "kept: so." for arm in arms
        ]
    return table.assign(limit_nT=[arm.constant if arm.predicted else NAN for arm in arms])


def claim(row, about):
    return {
        "id": f"slope_{row.arm}", "sentence": f"Given the query, the noise of {row.arm} falls as 1/n.",
        "section": "§3.2, theorem 1", "quantity": "slope", "estimate": row.slope, "low": row.slope_low,
        "high": row.slope_high, "level": LEVEL, "region": (-1.05, -0.95), "verdict": row.law, "n": 4096,
        "method": "weighted least squares of T", "reason": "Where the interval lies, the verdict says.",
        "declared": "before the run", "about": about,
    }  # fmt: skip


def page(arms=ARMS, *, seed=0, count=1000):
    """Return the page of a study with these arms."""
    rng = np.random.default_rng(seed)
    measured, shaped = levels(arms, rng), shapes(arms, rng, count)
    fitted = fits(arms, measured, shaped)
    own = fitted[(fitted["layer"] == 1) & (fitted["given"] == "query") & (fitted["measure"] == "variance")]
    ledger = [claim(row, f"{row.arm}/1/{row.part}/query") for row in own.drop_duplicates("arm").itertuples()]
    return NoisePage(
        title="The noise of hidden representations",
        question="Does the noise of attention fall as 1/n and become Gaussian, and which assumptions does that need?",
        ledger=[*ledger, ledger[0] | {"id": "all", "about": None, "sentence": "Every prediction stands."}],
        checks=[{"name": "finite", "passed": True, "sentence": "Every T and its error is finite."}],
        arms=described(arms),
        levels=measured,
        fits=fitted,
        shapes=shaped,
        joint=joint(arms, rng),
        assumed=assumed(arms, rng),
        trained=trained(),
        dropped={"lengths of one arm that did not fit the memory": 1, "what never happened": 0},
        spec='{"name": "noise"}',
        provenance={"jax": "0.10", "device": "cpu"},
    )
