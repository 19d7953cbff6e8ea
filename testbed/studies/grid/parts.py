"""The loss split into ε + B + Ω + V, every part with its interval."""

import msgspec
import numpy as np
import pandas as pd

from testbed.stats.crossed import crossed
from testbed.stats.estimate import Estimate
from testbed.stats.identified import told
from testbed.stats.ladder import BOUND_ONLY
from testbed.stats.moments import contrast, joined, known, moments
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grid.bounds import bounds
from testbed.studies.grid.variance import law, local_exponents, pooled, variances

COLUMNS = ["quantity", "parameters", "role", "tokens", "value", "low", "high", "level", "n", "method"]
PARTS = ["parameters", "role", "tokens", "epsilon", "bias", "gap", "variance", "loss", "bound_only"]
CURVES = ["parameters", "role", "tokens", "replicate", "step", "K", "train_loss"]


def estimates(analysis: Analysis, *, level: float) -> pd.DataFrame:
    """Return one row per quantity and group: K, E[CE] − ε, B, Ω and V in nats per token, and the exponents of V.

    Where draws and first parameters are crossed, so are the variances of K over either, in nats².

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
            for quantity, estimate in components(group, level=level).items():
                rows += _row(quantity, size, role, tokens, estimate)
        found = told(bounds)(analysis, size, level=level)
        if not isinstance(found, str):
            named = {"B": found.bias, "attained": found.attained, "gap": found.optimisation, "gap share": found.share}
            for quantity, estimate in named.items():
                rows += _row(quantity, size, "online", None, estimate)
        rows += _row("exponent of V", size, "stored", None, exponent(analysis, [size], level=level))
    rows += _variances(analysis, level)
    rows += _row("exponent of V", None, "stored", None, exponent(analysis, list(analysis.horizons), level=level))
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


def components(group: pd.DataFrame, *, level: float) -> dict[str, Estimate]:
    """Return the variances of K over draws of the data, over first parameters, and of the rest, in nats².

    None where draws and first parameters of a group are not crossed; see ``testbed.stats.crossed``.
    """
    means_AI = group.assign(k=[float(kl_B.mean()) for kl_B in group["kl_B"]]).pivot_table(
        index="draw", columns="initialisation", values="k"
    )
    if min(means_AI.shape, default=0) < 2 or means_AI.isna().to_numpy().any():
        return {}
    found = told(crossed)(means_AI.to_numpy(), level=level)
    if isinstance(found, str):
        return {}
    return {
        "variance over draws": found.draw,
        "variance over first parameters": found.initialisation,
        "variance of the rest": found.rest,
    }


def loss_parts(analysis: Analysis, *, level: float) -> pd.DataFrame:
    """Return ε, B, and Ω on fresh data or V on stored tokens, of every group; they add up to ε + K exactly.

    Columns: parameters, role, tokens, epsilon, bias, gap, variance, loss, bound_only. B is its value between its
    bounds; the last column marks where that is an upper bound only, or bounds are missing and B is K on fresh data.
    """
    rows = []
    for size in analysis.horizons:
        found = told(bounds)(analysis, size, level=level)
        known = not isinstance(found, str)
        low = found.bias.value if not isinstance(found, str) else _mean(groups(analysis, size)[-1][2])
        for role, tokens, group in groups(analysis, size):
            above = _mean(group) - low
            parts = (analysis.epsilon, low, above, 0.0) if role == "online" else (analysis.epsilon, low, 0.0, above)
            loose = not known or found.bias.method.startswith(BOUND_ONLY)  # type: ignore[union-attr]
            rows.append((size, role, tokens, *parts, sum(parts), loose))
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


@told
def exponent(analysis: Analysis, sizes: list[int], *, level: float) -> Estimate:
    """Return the exponent of V of some sizes; none where no one law fits them."""
    return pooled(variances(analysis, sizes, level=level))


def constants(analysis: Analysis, *, level: float) -> dict[int, float]:
    """Return C_P of the one law V = C_P · D^−β, by size; none where V tells no exponent."""
    sizes = sorted(size for size, tokens in analysis.stored_tokens.items() if len(tokens) > 1)
    found = told(lambda: law(variances(analysis, sizes, level=level), "value"))()
    return {} if isinstance(found, str) else dict(zip(sizes, found.constants_G.tolist(), strict=True))


def _variances(analysis: Analysis, level: float) -> list[dict[str, object]]:
    """Return the rows of V and of its exponents between neighbouring D."""
    measured = told(variances)(analysis, list(analysis.horizons), level=level)
    if isinstance(measured, str):
        return []
    rows: list[dict[str, object]] = []
    for index, (size, tokens) in enumerate(measured.points):
        rows += _row("V", size, "stored", tokens, measured.of(index, level=measured.half))
    for size, tokens, found in local_exponents(measured):
        rows += _row("local exponent of V", size, "stored", tokens, found)
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
