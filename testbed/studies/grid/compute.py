"""What training costs and what it buys: FLOPs of every run and step, and the lowest K that was attained at each."""

from typing import Any

import numpy as np
import pandas as pd

from testbed.stats.estimate import Estimate
from testbed.stats.identified import told
from testbed.stats.moments import contrast, moments
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grid.rates import about

GROUP = ["parameters", "role", "tokens", "horizon"]
"""What replicates share."""
_SEEDS = ["draw", "initialisation"]
CURVES = [
    *("digest", *GROUP, "learning_rate", *_SEEDS, "status"),
    *("step", "tokens_seen", "flops", "K", "K_se", "CE", "train_loss"),
]
COMPUTE = [*GROUP, "step", "replicates", "tokens_seen", "flops", "K", "low", "high", "level", "frontier"]


def cells(analysis: Analysis, found: pd.DataFrame) -> pd.DataFrame:
    """Return the table of cells with what each cost and where it ended; ``found`` is the table of `compute`.

    Added columns: flops_per_token (training FLOPs a token), tokens_seen (a token counts at every pass), flops (their
    product, exact by the count of `testbed.model.size.Size`); K, K_se and CE in nats per token at the kept checkpoint,
    K_se the standard error over windows; rate_chosen (whether the pilots chose its learning rate for its size, data
    and horizon) and compute_optimal (whether its kept step is on the frontier of ``found``; pilots never are).

    Error: a diverged run counts to its horizon, as its batch does not stop for it; evaluation is not counted.
    """
    frame = analysis.cells
    each_token = _flops_per_token(analysis, frame)
    seen = _tokens_a_step(frame) * frame["horizon"]
    kl_NB, ce_NB = (_kept(analysis, frame, name) for name in ("kl_CB", "ce_CB"))
    best = {tuple(row) for row in found.loc[found["frontier"], [*GROUP, "step"]].itertuples(index=False)}
    steps = frame[[*GROUP, "kept_step"]].itertuples(index=False)
    chosen = [analysis.rates.get(about(row)) == row.learning_rate for row in frame.itertuples()]
    reported = frame["digest"].isin(set(analysis.kept["digest"]))
    return frame.assign(
        flops_per_token=each_token,
        tokens_seen=seen,
        flops=each_token * seen,
        K=kl_NB.mean(1),
        K_se=_error(kl_NB),
        CE=ce_NB.mean(1),
        rate_chosen=np.array(chosen, dtype=bool),
        compute_optimal=[bool(told and tuple(row) in best) for told, row in zip(reported, steps, strict=True)],
    )


def curves(analysis: Analysis) -> pd.DataFrame:
    """Return one row for each evaluated step of every cell, pilots and diverged ones too, in the columns of `CURVES`.

    tokens_seen and flops are those up to the step; K, CE and train_loss are in nats per token, K and CE over the
    windows that may be reported, K_se the standard error of K over them; train_loss is the mean over the steps since
    the evaluation before.
    """
    frame = analysis.cells
    if not len(frame):
        return pd.DataFrame(columns=CURVES)
    count_N = [len(row) for row in frame["step_C"]]
    kl_SB, ce_SB = (np.concatenate(_reported(analysis, frame[name])) for name in ("kl_CB", "ce_CB"))
    step_S = np.concatenate([np.asarray(row, dtype=np.int64) for row in frame["step_C"]])
    named = ["digest", *GROUP, "learning_rate", *_SEEDS, "status"]
    long = frame[named].loc[np.repeat(frame.index, count_N)].reset_index(drop=True)
    seen_S = step_S * np.repeat(_tokens_a_step(frame).to_numpy(), count_N)
    return long.assign(
        step=step_S,
        tokens_seen=seen_S,
        flops=seen_S * np.repeat(_flops_per_token(analysis, frame).to_numpy(), count_N),
        K=kl_SB.mean(1),
        K_se=_error(kl_SB),
        CE=ce_SB.mean(1),
        train_loss=np.concatenate([np.asarray(row, dtype=np.float64) for row in frame["train_loss_C"]]),
    )[CURVES]


def compute(analysis: Analysis, *, level: float) -> pd.DataFrame:
    """Return K against compute: a row for each group of replicates and evaluated step, in the columns of `COMPUTE`.

    K is the mean over the finished replicates at the chosen learning rate, with its interval over replicates and
    windows; frontier marks the attained frontier: K is finite, and lower than that of every row of no more FLOPs.

    Error: the lowest of many noisy means is a little too low; before its last step a run has not lowered its learning
    rate to the end, so that a run of fewer steps might attain less there.
    """
    rows: list[dict[str, Any]] = []
    for key, group in analysis.kept.groupby(GROUP):
        seen = int(_tokens_a_step(group).iloc[0])
        found = _reported(analysis, group["kl_CB"])
        for at, step in enumerate(group["step_C"].iloc[0]):
            own = group.assign(kl_B=[value_CB[at] for value_CB in found])
            interval = _interval(own, level)
            rows.append(
                dict(zip(GROUP, key, strict=True))
                | {"step": int(step), "replicates": len(own), "tokens_seen": int(step) * seen}
                | {"flops": int(step) * seen * analysis.flops_per_token[int(key[0])]}
                | {"K": float(np.stack(own["kl_B"].to_list()).mean()), "level": level}
                | dict(zip(("low", "high"), interval, strict=True))
            )
    return attained(pd.DataFrame(rows, columns=COMPUTE[:-1]))


def attained(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with columns flops and K in rising order of FLOPs, and with its attained frontier marked.

    >>> found = attained(pd.DataFrame({"flops": [4, 1, 2, 2], "K": [0.1, 0.5, 0.3, 0.2]}))
    >>> found["flops"].tolist(), found["frontier"].tolist()
    ([1, 2, 2, 4], [True, True, False, True])
    """
    ordered = frame.sort_values(["flops", "K"], ignore_index=True)
    k = ordered["K"].astype(float).where(np.isfinite(ordered["K"].astype(float)), np.inf)
    return ordered.assign(frontier=(k < k.cummin().shift(fill_value=np.inf)).to_numpy(dtype=bool))


@told
def _divergence(group: pd.DataFrame, level: float) -> Estimate:
    return contrast(moments([block(group)]), np.ones(1), level=level)


def _interval(group: pd.DataFrame, level: float) -> tuple[float, float]:
    """Return the interval of K of a group, without ends where replicates tell none."""
    found = _divergence(group, level)
    return (-np.inf, np.inf) if isinstance(found, str) else (found.low, found.high)


def _kept(analysis: Analysis, frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return the values of the reported windows at the kept checkpoint; NaN for a cell that keeps none."""
    nothing = np.full(len(analysis.bayes_nll_B[analysis.read]), np.nan)
    rows = zip(frame["step_C"], frame["kept_step"], _reported(analysis, frame[name]), strict=True)
    return np.array([value_CB[list(steps).index(kept)] if kept in steps else nothing for steps, kept, value_CB in rows])


def _reported(analysis: Analysis, column: pd.Series) -> list[np.ndarray]:
    """Return the values of the windows that may be reported, at every checkpoint of each cell."""
    return [np.asarray(value_CB, dtype=np.float64)[:, analysis.read] for value_CB in column]


def _error(value_NB: np.ndarray) -> np.ndarray:
    return np.asarray(value_NB.std(axis=1, ddof=1) / np.sqrt(value_NB.shape[1]))


def _tokens_a_step(frame: pd.DataFrame) -> pd.Series:
    return frame["batch"] * frame["context"]


def _flops_per_token(analysis: Analysis, frame: pd.DataFrame) -> pd.Series:
    return frame["parameters"].map(dict(analysis.flops_per_token)).astype(np.int64)
