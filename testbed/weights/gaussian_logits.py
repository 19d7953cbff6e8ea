"""Attention over logits of a known law: Gaussian, and independent of the values."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Array, Key

from testbed.ground import catalog
from testbed.ground.checked import Checked
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.noise.gaussian import Gaussian
from testbed.model.transformer import Transformer
from testbed.sources import Source
from testbed.weights._planting import initial, planted, require, require_fields

FAR = 64.0
"""Deviations of noise between a query and zero: it never changes its sign."""

SELDOM = 10.0
"""Deviations that a Gaussian value exceeds once in 10²³ draws."""


class GaussianLogits(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """Logits of the last query over the n−1 tokens are independent N(0, s²), and values independent N(0, σ²) times u.

    All comes from the noise of the embeddings, of deviation σ: its coordinate 0 makes the key, 1 the value, and the
    query is far out along coordinate 2, from where its bound takes it to exactly 1. Tokens are all alike. The start
    vector has the value zero and a logit of −(40 + 10·s), below which it has no weight in float32; u is a unit vector.
    """

    deviation: float = 1.0
    """Standard deviation s of the logits, temperature and all, above zero."""

    at_kink: ClassVar[bool] = False
    """The nonlinearity is met wherever it is."""
    uniform: ClassVar[bool] = False
    """Attention weighs."""

    def __post_init__(self) -> None:
        if not 0 < self.deviation < np.inf:
            raise ValueError(
                f"deviation={self.deviation!r} is refused: logits have a spread above zero; use weights uniform for 0."
            )

    @property
    def logit_deviation(self) -> float:
        """Return s."""
        return self.deviation

    def parameters(self, model: Transformer, world: Source, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Return the parameters, whatever the world.

        Error: logits and values to a rounding of float32. ValueError for a model without Gaussian noise, with more than
        one head of width 1 or fewer than 3 coordinates, and for one that changes keys or values on their way.
        """
        sigma = self._check(model)
        temperature = model.attention.temperature if isinstance(model.attention, Softmax) else 1.0
        key_M, value_M, query_M = np.eye(3, model.width)
        self._check_bounds(model, temperature)
        first = {
            "key_MHK": _column(key_M * self.deviation * temperature / (model.score_scale * sigma)),
            "value_MHK": _column(value_M),
            "query_MHK": _column(query_M / sigma),
            "mix_HKM": 1 / np.sqrt(model.width),
        }
        start_M = -key_M * sigma * (40 / self.deviation + 10)
        return planted(initial(model, key), first, token_VM=FAR * sigma * query_M, start_M=start_M)

    def _check_bounds(self, model: Transformer, temperature: float) -> None:
        """Refuse bounds that a key or a value could meet: the start's key is the longest by far."""
        longest = (40 + 10 * self.deviation) * temperature / model.score_scale
        sigma = model.embedding_noise.deviation if isinstance(model.embedding_noise, Gaussian) else np.nan
        for name, least in (("key_bound", longest), ("value_bound", SELDOM * sigma)):
            bound = getattr(model, name)
            rule = f"it would shorten some; it must be at least {least:.4g}"
            require("gaussian_logits", name, bound, rule, holds=bound is None or bound >= least)

    def _check(self, model: Transformer) -> float:
        """Return the deviation of the noise of a model that has what is needed."""
        paper = {"layout": "paper", "positions": "none", "heads": 1, "head_width": 1}
        require_fields("gaussian_logits", model, **paper, query_bound=1.0)
        rule = "key, value and query each need a coordinate, hence at least 3"
        require("gaussian_logits", "width", model.width, rule, holds=model.width >= 3)
        noise, attention = model.embedding_noise, model.attention
        rule = "it must be Gaussian, as logits and values are made of it"
        require("gaussian_logits", "embedding_noise", noise, rule, holds=isinstance(noise, Gaussian))
        rule = "squared distances of Gaussian keys are not Gaussian"
        require("gaussian_logits", "attention", attention, rule, holds=not isinstance(attention, L2Distance))
        return noise.deviation if isinstance(noise, Gaussian) else np.nan


def _column(x_M: np.ndarray) -> np.ndarray:
    return x_M[:, None, None]
