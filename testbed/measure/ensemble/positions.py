"""Where in the window the excess loss is: K position by position, beside the Bayes curve it adds to."""

from typing import Any

import numpy as np

from testbed.measure.ensemble._measure import Measure, Pairs
from testbed.measure.geometric import divergence, normalised


class Positions(Measure):
    """One row a position t (from 1): K_t and h_t, averaged over replicates and sequences, in nats."""

    @staticmethod
    def observe(pairs: Pairs) -> list[dict[str, Any]]:
        """Return t, K_t = E KL(p*(· given x_<t) ‖ p(· given x_<t)) and h_t = E H(p*(· given x_<t)).

        Error: both are means over the evaluation sequences; ``K_se`` and ``h_se`` are their standard errors over
        sequences, the replicates averaged within each.
        """
        excess_BL, entropy_BL = [], []
        for log_star_LV, log_p_RLV in pairs:
            star_LV = np.exp(log_star_LV)
            each_RL = [divergence(star_LV, log_star_LV, normalised(log_p_LV)) for log_p_LV in log_p_RLV]
            excess_BL.append(np.mean(each_RL, axis=0))
            entropy_BL.append(divergence(star_LV, np.zeros_like(star_LV), log_star_LV))
        columns = {"K": np.array(excess_BL), "h": np.array(entropy_BL)}
        count = np.sqrt(len(excess_BL))
        return [
            {"t": at + 1}
            | {name: float(value_BL[:, at].mean()) for name, value_BL in columns.items()}
            | {f"{name}_se": float(value_BL[:, at].std(ddof=1) / count) for name, value_BL in columns.items()}
            for at in range(columns["K"].shape[1])
        ]
