"""Parameters as drawn."""

from typing import Any, ClassVar

from jaxtyping import Array, Key

from testbed.ground import catalog
from testbed.ground.checked import Checked
from testbed.model.transformer import Transformer
from testbed.sources import Source
from testbed.weights._planting import initial


class Fresh(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """The model's own initial values; the start of any training."""

    logit_deviation: ClassVar[float | None] = None
    """Logits have no law of their own."""
    at_kink: ClassVar[bool] = False
    """The nonlinearity is met wherever it is."""
    uniform: ClassVar[bool] = False
    """Attention weighs."""

    def parameters(self, model: Transformer, world: Source, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Return fresh parameters, whatever the world."""
        return initial(model, key)
