"""Tables with a planted truth: K = B(P) + c·T^−γ + C·D^−β with noise of replicates and of sequences."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from testbed.cell import PILOTS
from testbed.studies.grid.analysis import Analysis

EPSILON = 1.2


@dataclass(frozen=True)
class World:
    """A planted truth; ``drift`` makes B fall with D, which the paper denies."""

    sizes: tuple[int, ...] = (1_000, 4_000, 16_000)
    tokens: tuple[int, ...] = (4_096, 16_384, 65_536, 262_144)
    horizon: int = 4_096
    replicates: int = 4
    sequences: int = 128
    bias_exponent: float = 0.5
    gap: float = 0.005
    rate: float = 1.0
    drift: float = 0.0
    noise: float = 0.02
    stored_noise: float = 0.05
    spread: float = 0.2

    def bias(self, size: int) -> float:
        return 0.1 * (size / 1_000) ** -self.bias_exponent

    @property
    def rungs(self) -> tuple[int, ...]:
        return (self.horizon // 16, self.horizon // 4, self.horizon)

    def online(self, size: int, horizon: int) -> float:
        return self.bias(size) * (1 + self.gap * (horizon / self.horizon) ** -1.0)

    def stored(self, size: int, tokens: int) -> float:
        return self.bias(size) * (tokens / self.tokens[-1]) ** -self.drift + self.variance(size, tokens)

    def variance(self, size: int, tokens: int) -> float:
        return 400.0 * (size / 1_000) ** 0.3 * tokens**-self.rate * 4_096 ** (self.rate - 1)


class Saturating(World):
    """V bends: constant for few tokens, 3000/D for many."""

    def variance(self, size: int, tokens: int) -> float:
        return 1 / (1 / 0.6 + tokens / 3_000)


def cell(world, rng, common_B, *, size, role, tokens, seed, rate, horizon, k, noise, status="finished"):
    """One row: K per sequence with replicate noise, and a plain cross-entropy around it."""
    level = k * np.exp(noise * rng.standard_normal() - noise**2 / 2)
    final_B = level * (1 + world.spread * common_B)
    decay_C = np.array([8.0, 4.0, 2.0, 1.2, 1.0])
    kl_CB = decay_C[:, None] * final_B
    nll_B = EPSILON + 0.1 * common_B
    sampled_CB = 0.05 * np.sqrt(kl_CB) * rng.standard_normal(kl_CB.shape)
    steps = horizon * np.arange(1, 6) // 5
    return {
        "digest": f"{size}-{role}-{tokens}-{seed}-{rate}-{horizon}",
        "schema": 4,
        "label": f"w{size // 1000}",
        "parameters": size,
        "parameters_body": size // 2,
        "context": 64,
        "role": role,
        "tokens": tokens,
        "draw": seed,
        "initialisation": seed,
        "learning_rate": rate,
        "horizon": horizon,
        "batch": 32,
        "status": status,
        "sentence": "" if status == "finished" else "the loss became NaN at step 12",
        "step_C": steps,
        "kl_CB": kl_CB,
        "ce_CB": nll_B + kl_CB + sampled_CB,
        "train_loss_C": EPSILON + kl_CB.mean(1),
        "kept_step": int(steps[-1]),
        "seconds": 1.5,
    }


def _rows(world, rng, common_B, size):
    """The cells of one size: pilots, the ladder of fresh data, and stored data."""
    fresh = {"noise": world.noise, "size": size}
    for horizon in world.rungs:
        k = world.online(size, horizon)
        own = fresh | {"horizon": horizon, "tokens": horizon * 2048}
        yield from _pilots(world, rng, common_B, own | {"role": "pilot"}, k)
        for r in range(world.replicates):
            yield cell(world, rng, common_B, k=k, role="online", seed=r, rate=3e-3, **own)
    for tokens in world.tokens:
        k = world.stored(size, tokens)
        own = {"noise": world.stored_noise, "size": size, "horizon": world.horizon, "tokens": tokens}
        yield from _pilots(world, rng, common_B, own | {"role": "stored pilot"}, k)
        for r in range(world.replicates):
            yield cell(world, rng, common_B, k=k, role="stored", seed=r, rate=3e-3, **own)


def _pilots(world, rng, common_B, own, k):
    """Two of each rate: the middle one is best, the highest diverges."""
    for rate in (1e-3, 3e-3, 1e-2):
        for r in range(2):
            status = "diverged" if rate == 1e-2 and r == 0 else "finished"
            worse = k * (1.0 if rate == 3e-3 else 1.5)
            quiet = own | {"noise": min(own["noise"], 0.02)}  # so that they choose what the runs to follow took
            yield cell(world, rng, common_B, k=worse, seed=1_000 + r, rate=rate, status=status, **quiet)


def analysis(world: World, seed: int = 0) -> Analysis:
    """The tables of one run in this world."""
    rng = np.random.default_rng(seed)
    common_B = np.tile(rng.standard_normal(world.sequences // 2), 2)  # so that neither half is luckier
    common_B -= common_B.mean()
    cells = pd.DataFrame([row for size in world.sizes for row in _rows(world, rng, common_B, size)])
    return Analysis(
        cells=cells,
        ensembles=ensembles(world, cells, rng),
        epsilon=EPSILON,
        epsilon_error=1e-3,
        bayes_nll_B=EPSILON + 0.1 * common_B,
        stopping="final",
        flops_per_token={size: 6 * size for size in world.sizes},
    )


def ensembles(world: World, cells: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The decomposition of each group: the center carries B (and its drift), the spread the rest."""
    rows = []
    kept = cells[~cells["role"].isin(PILOTS) & (cells["horizon"] == world.horizon)]
    for (size, role, tokens), group in kept.groupby(["parameters", "role", "tokens"]):
        mean_kl = float(np.mean([row.kl_CB[-1].mean() for row in group.itertuples()]))
        center = world.bias(size) * (tokens / world.tokens[-1]) ** -world.drift * np.exp(0.002 * rng.standard_normal())
        center = min(center, mean_kl)
        rows.append(
            {
                "parameters": size,
                "role": role,
                "tokens": tokens,
                "replicates": len(group),
                "mean_kl": mean_kl,
                "center": center,
                "spread": mean_kl - center,
                "closure": 3e-16,
                "center_jackknife": center,
                "center_se": 0.002 * center,
                "spread_jackknife": mean_kl - center,
                "spread_se": 0.01 * mean_kl,
                "ce": float(np.mean([row.ce_CB[-1].mean() for row in group.itertuples()])),
                "ce_se": 0.01,
            }
        )
    return pd.DataFrame(rows)
