"""The loss split into ε + B + Ω + V, every part with its interval."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd

from testbed.stats.estimate import Estimate
from testbed.stats.identified import told
from testbed.stats.ladder import Ladder, ladder
from testbed.stats.moments import Block, Moments, contrast, joined, known, moments, smoothed
from testbed.stats.power_law import PowerLaw, full_rank, power_law
from testbed.studies.grid.analysis import Analysis, block

LADDER = 3
COLUMNS = ["quantity", "parameters", "role", "tokens", "value", "low", "high", "level", "n", "method"]
PARTS = ["parameters", "role", "tokens", "epsilon", "bias", "gap", "variance", "loss", "bound_only"]
CURVES = ["parameters", "role", "tokens", "replicate", "step", "K", "train_loss"]


def bias(analysis: Analysis, parameters: int, *, level: float) -> Ladder | str:
    """Return B(P), the optimisation gap Ω(P) = K_T − B and its share of K_T; a sentence if the ladder is missing.

    B is the limit of the online K over the three longest horizons, which must be geometric (T/16, T/4, T, say).

    Error: rests on K_T = B + c·T^−γ; K_T itself bounds B from above, whatever the law.
    """
    horizons = analysis.horizons.get(parameters, [])[-LADDER:]
    if len(horizons) < LADDER or horizons[1] * horizons[1] != horizons[0] * horizons[2]:
        return f"P = {parameters}: horizons {horizons} are no geometric ladder of three; B cannot be extrapolated."
    groups = [analysis.online(parameters, horizon) for horizon in horizons]
    try:
        return ladder(moments([block(*groups)]), level=level)
    except ValueError as problem:
        return f"P = {parameters}: {problem}"


class Variances(NamedTuple):
    """The points (P, D), the moments of all K they are made of, and the differences that turn these into V."""

    points: list[tuple[int, int]]
    divergences: Moments
    map_NQ: np.ndarray

    def moments(self) -> Moments:
        """Return the moments of V at every point."""
        return self.divergences.transform(self.map_NQ)


def variances(analysis: Analysis, sizes: Sequence[int]) -> Variances:
    """Return V(P, D) = E[K of D stored tokens] − E[K online at the same horizon] for every stored D of ``sizes``.

    The expectations are over data draws and initialisations; noise that points share (one online term for all D of a
    size, the evaluation sequences for all) is carried as covariance.

    Error: equal horizons stand for equal optimisation; a slower descent on stored data is booked here.
    """
    points: list[tuple[int, int]] = []
    rows: list[tuple[int, int]] = []
    blocks: list[Block] = []
    for size in sizes:
        reference = len(blocks)
        blocks.append(block(analysis.online(size, analysis.horizons[size][-1])))
        for tokens in analysis.stored_tokens[size]:
            rows.append((len(blocks), reference))
            points.append((size, tokens))
            blocks.append(block(analysis.stored(size, tokens)))
    map_NQ = np.zeros((len(points), len(blocks)))
    for index, (stored, reference) in enumerate(rows):
        map_NQ[index, [stored, reference]] = 1.0, -1.0
    return Variances(points, moments(blocks), map_NQ)


@told
def variance_law(analysis: Analysis, sizes: Sequence[int], *, level: float) -> PowerLaw | str:
    """Return the law V = C_P · D^−β with one β for all ``sizes``; a sentence where there is nothing to fit."""
    usable = [size for size in sizes if len(analysis.stored_tokens[size]) > 1]
    if not usable:
        return "no size has stored runs at two numbers of tokens, so V has no slope."
    found = variances(analysis, usable)
    x_N = np.array([float(tokens) for _, tokens in found.points])
    working = smoothed(found.divergences).transform(found.map_NQ)
    return power_law(x_N, found.moments(), [size for size, _ in found.points], working=working, level=level)


def local_exponents(measured: Variances, *, level: float) -> list[tuple[int, int, Estimate]]:
    """Return (size, larger D, exponent of V) between each two neighbouring D of one size whose noise is known."""
    values, found = measured.moments(), []
    for index, ((size, left), (other, right)) in enumerate(pairwise(measured.points)):
        pair_2N = np.eye(len(measured.points))[index : index + 2]
        pair = values.transform(pair_2N)
        if size == other and not pair.blind_Q.any() and full_rank(pair.covariance()):
            law = power_law(np.array([float(left), float(right)]), pair, [0, 0], working=pair, level=level)
            found.append((size, right, law.exponent))
    return found


def estimates(analysis: Analysis, *, level: float) -> pd.DataFrame:
    """Return one row per quantity and group: K, E[CE] − ε, B, Ω and V in nats per token, and the exponents of V.

    Columns: quantity, parameters, role, tokens, value, low, high, level, n, method; a quantity that could not be
    estimated has no row.
    """
    rows: list[dict[str, object]] = []
    if not analysis.horizons:
        return pd.DataFrame(columns=COLUMNS)
    for size in analysis.horizons:
        for role, tokens, group in groups(analysis, size):
            rows += _row("K", size, role, tokens, _divergence(group, level))
            rows += _row("excess", size, role, tokens, told(excess)(analysis, group, level=level))
        found = bias(analysis, size, level=level)
        if not isinstance(found, str):
            for quantity, estimate in zip(("B", "gap", "gap share"), found, strict=True):
                rows += _row(quantity, size, "online", None, estimate)
        law = variance_law(analysis, [size], level=level)
        rows += _row("exponent of V", size, "stored", None, law if isinstance(law, str) else law.exponent)
    rows += _variances(analysis, level)
    joint = variance_law(analysis, list(analysis.horizons), level=level)
    rows += _row("exponent of V", None, "stored", None, joint if isinstance(joint, str) else joint.exponent)
    return pd.DataFrame(rows, columns=COLUMNS)


def groups(analysis: Analysis, parameters: int) -> list[tuple[str, int, pd.DataFrame]]:
    """Return (role, tokens, cells) of one size's groups at its longest horizon: stored, D ascending, then online."""
    found = [("stored", d, analysis.stored(parameters, d)) for d in analysis.stored_tokens[parameters]]
    online = analysis.online(parameters, analysis.horizons[parameters][-1])
    return [*found, ("online", int(online["tokens"].iloc[0]), online)]


def excess(analysis: Analysis, group: pd.DataFrame, *, level: float) -> Estimate:
    """Return E[CE] − ε of a group of cells; the interval counts replicates, sequences and the error of ε itself."""
    found = moments([block(group, column="ce_B")])
    truth = known(np.array([analysis.epsilon]), np.array([analysis.epsilon_error]), np.array([1e6]))
    return contrast(joined(found, truth), np.array([1.0, -1.0]), level=level)


def loss_parts(analysis: Analysis, *, level: float) -> pd.DataFrame:
    """Return ε, B, Ω and V of every group at its longest horizon; they add up to ε + K exactly.

    Columns: parameters, role, tokens, epsilon, bias, gap, variance, loss, bound_only. The last marks where B and Ω
    cannot be told apart: the ladder is missing or only bounds B; without one B is K online and Ω is zero.
    """
    rows = []
    for size in analysis.horizons:
        found = bias(analysis, size, level=level)
        kept = groups(analysis, size)
        online = _mean(kept[-1][2])
        gap, bound_only = (0.0, True) if isinstance(found, str) else (found.gap.value, found.bound_only)
        for role, tokens, group in kept:
            parts = (analysis.epsilon, online - gap, gap, _mean(group) - online)
            rows.append((size, role, tokens, *parts, sum(parts), bound_only))
    return pd.DataFrame(rows, columns=PARTS)


def curves(analysis: Analysis) -> pd.DataFrame:
    """Return the learning curves of the kept cells at the longest horizon, one row per checkpoint."""
    frames = []
    for size in analysis.horizons:
        for role, tokens, group in groups(analysis, size):
            for number, row in enumerate(group.itertuples()):
                k_C = np.asarray(row.kl_CB, dtype=np.float64)[:, analysis.read].mean(1)
                columns = {"step": row.step_C, "K": k_C, "train_loss": row.train_loss_C}
                frames.append(pd.DataFrame(columns).assign(parameters=size, role=role, tokens=tokens, replicate=number))
    return pd.concat(frames, ignore_index=True)[CURVES] if frames else pd.DataFrame(columns=CURVES)


def _variances(analysis: Analysis, level: float) -> list[dict[str, object]]:
    """Return the rows of V and of its exponents between neighbouring D."""
    measured = told(variances)(analysis, list(analysis.horizons))
    if isinstance(measured, str):
        return []
    values, rows = measured.moments(), []
    for index, (size, tokens) in enumerate(measured.points):
        rows += _row("V", size, "stored", tokens, contrast(values, np.eye(len(values.mean_Q))[index], level=level))
    for size, tokens, exponent in local_exponents(measured, level=level):
        rows += _row("local exponent of V", size, "stored", tokens, exponent)
    return rows


@told
def _divergence(group: pd.DataFrame, level: float) -> Estimate:
    return contrast(moments([block(group)]), np.ones(1), level=level)


def _mean(group: pd.DataFrame) -> float:
    return float(np.stack(group["kl_B"].to_list()).mean())


def _row(
    quantity: str, parameters: int | None, role: str, tokens: int | None, found: Estimate | str
) -> list[dict[str, object]]:
    """Return the row of an estimate, or none where a sentence says that there is no estimate."""
    if isinstance(found, str):
        return []
    about = {"quantity": quantity, "parameters": parameters, "role": role, "tokens": tokens}
    return [about | msgspec.structs.asdict(found)]
