"""How far a predictor is from the Bayes predictive, whatever it is: the world's own, one that counts, or a network."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import msgspec
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Int

from testbed.laws import effort
from testbed.measure.contexts import Reference, reference
from testbed.measure.geometric import divergence, normalised
from testbed.model.transformer import Transformer
from testbed.predictors import CLASSICAL, Predictor
from testbed.sources import Source

Predict = Callable[[Int[Array, " L"]], Float[Array, "L V"]]
"""One sequence to the log-probabilities of token t given the tokens before it: pure, for jit."""

STRINGS, SAMPLED, ROUNDING = 2**14, 256, 1e-13
"""Most windows that are all visited; windows sampled where there are more; the error of a regret summed over all."""
CHUNK = 2**19
"""Log-probabilities that are predicted at a time."""

COLUMNS = ["spec", "predictor", "kl_B", "kl_L", "error_L"]
"""The predictor as JSON and by name, its mean K on each reported window, and K at each position with its error."""


def encoded(predictor: msgspec.Struct) -> str:
    """Return a predictor as the JSON that names it in the table."""
    return msgspec.json.encode(predictor).decode()


def bayes(world: Source) -> Predict:
    """Return the world's own predictive, in float64."""
    return functools.partial(world.log_predictive, world.tables(np.float64))


def learning(predictor: Predictor, alphabet: int) -> Predict:
    """Return a predictor from the shelf, made for an alphabet."""
    return functools.partial(predictor.log_predictive, alphabet=alphabet)


def trained(model: Transformer, params: dict[str, Any]) -> Predict:
    """Return a trained network, as one more predictor."""
    from testbed.model import forward  # late: to ask a world alone loads no flax

    return lambda tokens_L: jax.nn.log_softmax(forward.logits(model, params, tokens_L))


def regret(shared: Reference, predict: Predict) -> Float[np.ndarray, "B L"]:
    """Return KL(p*(· given x_<t) ‖ q(· given x_<t)) at every position of every window, in nats.

    Its mean over positions and windows is the regret per token, E[−log q] − ε, without the noise of sampled tokens.

    Error: rounding, 1e-13 for a predictor that computes in float64 and 1e-6 for a float32 network; infinite where q
    excludes what may come. ValueError where a row of q is no law.
    """
    length, symbols = shared.logp_BLV.shape[1:]
    batch = max(1, CHUNK // (length * symbols))
    with jax.enable_x64(True):
        program = jax.jit(lambda tokens_BL: jax.lax.map(predict, tokens_BL, batch_size=batch))
        logq_BLV = np.asarray(program(shared.tokens_BL), np.float64)
    pairs = zip(shared.logp_BLV, logq_BLV, strict=True)
    return np.stack([divergence(np.exp(p_LV), p_LV, normalised(q_LV)) for p_LV, q_LV in pairs])


def regrets(
    world: Source,
    length: int,
    *,
    predictors: Sequence[Predictor] = CLASSICAL,
    sequences: int | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Return the loss and the regret of each predictor on windows of the world, the Bayes predictive first.

    Each record has `predictor`, `loss` = E[−log q] and `regret` = `loss` − Bayes loss in nats per token, `method`, and
    `error`. All losses are means of exact conditional cross-entropies on the same windows, so that they differ by
    exactly their regrets. The windows are all there are, if no more than STRINGS and if no number of `sequences` is
    given, and otherwise sampled (256, unless given).

    Error: rounding over all windows; over sampled ones `error` is the standard error of the regret. ValueError for
    fewer than 2 of them.
    """
    if sequences is not None and sequences < 2:
        raise ValueError(f"sequences={sequences}: at least 2 are needed for a standard error; give for example 256.")
    world = world.for_window(length)
    whole = sequences is None and length * np.log(world.alphabet) <= np.log(STRINGS) + 1e-9
    if whole:
        shared, weight_B = everything(world, length)
    else:
        shared = reference(world, sequences=sequences or SAMPLED, length=length, seed=seed)
        weight_B = np.full(len(shared.tokens_BL), 1 / len(shared.tokens_BL))
    named = [("Bayes", bayes(world))]
    named += [(predictor.label, learning(predictor, world.alphabet)) for predictor in predictors]
    records = []
    for place, (label, predict) in enumerate(named):
        effort.step(f"the regret of {label}", place, len(named))
        kl_B = regret(shared, predict).mean(1)
        loss, mean = float(weight_B @ (shared.entropy_B + kl_B)), float(weight_B @ kl_B)
        error = ROUNDING if whole else float(kl_B.std(ddof=1) / np.sqrt(len(kl_B)))
        method = "enumeration" if whole else "Monte Carlo"
        records.append({"predictor": label, "loss": loss, "regret": mean, "method": method, "error": error})
    return records


def everything(world: Source, length: int) -> tuple[Reference, Float[np.ndarray, " B"]]:
    """Return all windows that can occur, and their probabilities."""
    tokens_BL = np.indices((world.alphabet,) * length).reshape(length, -1).T.astype(np.int32)
    with jax.enable_x64(True):
        logp_BLV = np.asarray(jax.jit(jax.vmap(bayes(world)))(tokens_BL))
    weight_B = np.exp(Reference(tokens_BL, logp_BLV).nll_B * -length)
    possible_B = weight_B > 0
    return Reference(tokens_BL[possible_B], logp_BLV[possible_B]), weight_B[possible_B]


def table(predictors: Sequence[Predictor], shared: Reference) -> pd.DataFrame:
    """Return a row for each predictor with its regrets on these windows; see `testbed.studies.grid.references`."""
    rows = []
    for predictor in predictors:
        kl_BL = regret(shared, learning(predictor, shared.logp_BLV.shape[2]))
        error_L = kl_BL.std(axis=0, ddof=1) / np.sqrt(len(kl_BL))
        rows.append((encoded(predictor), predictor.label, kl_BL.mean(1), kl_BL.mean(0), error_L))
    return pd.DataFrame(rows, columns=COLUMNS)
