"""A nonlinearity whose kink is met by every average."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Array, Float, Key

from testbed.ground import catalog
from testbed.ground.checked import Checked
from testbed.model import constraint
from testbed.model.transformer import Transformer
from testbed.sources import Source
from testbed.weights._planting import first_layer, planted
from testbed.weights.uniform import Uniform, mean_token


class Kink(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """As `Uniform`, and the first bias of the feed-forward network makes its hidden units zero at the mean of A.

    There ReLU has its kink, a Hölder nonlinearity its cusp and a step its jump. With a smooth nonlinearity it is the
    control: all else is equal.
    """

    logit_deviation: ClassVar[float | None] = None
    """All logits are equal."""
    at_kink: ClassVar[bool] = True
    """Hidden units are zero at the mean of A."""
    uniform: ClassVar[bool] = True
    """All logits are equal."""

    def parameters(self, model: Transformer, world: Source, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Return the parameters.

        Error: hidden units at the mean are zero to a rounding of float32, about 1e-7 of their size away from it.
        ValueError where `Uniform` has one.
        """
        params = Uniform().parameters(model, world, key=key)
        layer = first_layer(params)
        value_MM = np.einsum("mhk,hkn->mn", layer["value_MHK"], layer["mix_HKM"])
        mean_M = mean_token(model, world, params) @ value_MM
        return planted(params, {"up_F": -mean_M @ _up(model, params)})


def _up(model: Transformer, params: dict[str, Any]) -> Float[np.ndarray, "M F"]:
    """Return the first matrix as the network uses it."""
    layer, limit = params["blocks"]["layer_0"], model.feedforward_lipschitz
    up_MF = layer["up_MF"]
    if limit is not None:
        up_MF, _ = constraint.held(up_MF, layer["down_FM"], limit / model.feedforward.lipschitz)
    return np.asarray(up_MF, np.float64)
