"""What every evaluation sees: the exact divergence from the Bayes predictive, and the plain cross-entropy beside it."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def observe(
    logp_BLV: Float[Array, "B L V"], tokens_BL: Int[Array, "B L"], truth_BLV: Float[Array, "B L V"]
) -> dict[str, Float[Array, " B"]]:
    """Return, for each sequence, means over its positions in nats per token.

    ``kl_B`` = mean_t Σ_v p*(v) (log p*(v) − log p(v)), the divergence of the model ``logp_BLV`` from the Bayes
    predictive ``truth_BLV`` (both log-probabilities of token t given those before it; 0 log 0 = 0), and
    ``ce_B`` = mean_t −log p(x_t), so that E[ce] = ε + E[kl].

    Error: float32 rounding, about 1e-6; a negative kl_B beyond that is a bug.
    """
    possible_BLV = truth_BLV > -jnp.inf
    gap_BLV = jnp.where(possible_BLV, truth_BLV - logp_BLV, 0.0)
    kl_BL = (jnp.exp(truth_BLV) * gap_BLV).sum(axis=-1)
    chosen_BL = jnp.take_along_axis(logp_BLV, tokens_BL[..., None], axis=-1)[..., 0]
    return {"kl_B": kl_BL.mean(axis=-1), "ce_B": -chosen_BL.mean(axis=-1)}
