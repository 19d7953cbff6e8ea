"""Attention that is the plain average."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Array, Float, Key

from testbed.ground import catalog
from testbed.ground.checked import Checked
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.transformer import Transformer
from testbed.sources import Source
from testbed.theory import lags
from testbed.weights._planting import first_layer, initial, planted, require, require_fields


class Uniform(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """Fresh parameters, but all queries of layer 1 are zero: every position has the same weight, 1/n.

    The start vector is the mean of the token vectors in the long run of the world, so that the mean of A is the same at
    every n, and the start only takes its place among the n. With hard max or top-k all scores are tied, and all kept.
    """

    logit_deviation: ClassVar[float | None] = None
    """All logits are equal."""
    at_kink: ClassVar[bool] = False
    """The nonlinearity is met wherever it is."""
    uniform: ClassVar[bool] = True
    """All logits are equal."""

    def parameters(self, model: Transformer, world: Source, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Return the parameters.

        Error: the start vector is rounded to float32; the mean is that of the long run, which windows that begin at a
        boundary of announced blocks do not have at every place. ValueError for a model that normalises values or
        shortens any, as the start's would be no mean, for learned positions, for weights by distance, and for a world
        without pair laws.
        """
        require_fields("uniform", model, layout="paper")
        rule = "a vector for each place would make the mean depend on n"
        require("uniform", "positions", model.positions, rule, holds=model.positions != "learned")
        rule = "a query of zero does not make its scores equal"
        require("uniform", "attention", model.attention, rule, holds=not isinstance(model.attention, L2Distance))
        params = initial(model, key)
        bound = model.value_bound
        if bound is not None:
            rule = f"it would shorten a value, and the start's would be no mean; the longest is {_longest(params):.4g}"
            free = model.embedding_noise is None and _longest(params) <= bound
            require("uniform", "value_bound", bound, rule, holds=free)
        return planted(params, {"query_MHK": 0.0}, start_M=mean_token(model, world, params))


def _longest(params: dict[str, Any]) -> float:
    """Return the length of the longest value of any token and head."""
    value_MHK = first_layer(params)["value_MHK"]
    value_VHK = np.einsum("vm,mhk->vhk", np.asarray(params["token_VM"], np.float64), value_MHK)
    return float(np.linalg.norm(value_VHK, axis=-1).max())


def mean_token(model: Transformer, world: Source, params: dict[str, Any]) -> Float[np.ndarray, " M"]:
    """Return Σ π_v token_v, with π the law of a token in the long run of windows as long as the model's context."""
    law_V = lags.marginal(world.for_window(model.context))
    return np.asarray(law_V @ np.asarray(params["token_VM"], np.float64))
