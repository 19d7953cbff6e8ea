"""How large a model is, by formula: parameters, work and memory; and the model of a wanted size.

The formulas need neither parameters nor flax. A new part of the network is added here and there at once, or the
test that counts the arrays fails.
"""

import bisect
import math

import msgspec

from testbed.model.transformer import Transformer

_FLOAT_BYTES = 4


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs; exact integers.

    Work counts each multiply-add of a matrix product as two, at a full context: the projections, both products of
    the attention (n positions a query: masked pairs are computed, hence counted), the feed-forward layer and the
    readout. Look-ups, norms, biases, exponentials and nonlinearities are left out, and with them all that switches
    add: choices of keys, noise, bounds, and singular values, whose work does not grow with the tokens. Training is
    counted as three forwards, one forward and two for the gradient with respect to activations and parameters.
    """

    parameters: int
    """All parameters P."""
    parameters_body: int
    """Parameters without embeddings: neither token, start and position vectors nor the readout matrix."""
    flops_per_token: int
    """Forward floating-point operations per token."""
    training_flops_per_token: int
    """Floating-point operations per token of one gradient."""
    parameter_bytes: int
    """Bytes of the parameters in float32."""


def size(config: Transformer) -> Size:
    """Return the exact size of a model.

    Error: none for parameters and bytes; work follows the convention of ``Size``.
    """
    width, joint, hidden = config.width, config.heads * config.key_width, config.hidden_width
    norms = 1 if config.layout == "prenorm" else 0
    matrices = 4 * width * joint + 2 * width * hidden
    body = config.layers * (matrices + hidden + width + 2 * norms * width) + norms * width
    vectors = config.vocabulary + 1 + (config.context if config.positions == "learned" else 0)
    total = body + vectors * width + width * config.vocabulary
    products = config.layers * (matrices + 2 * config.context * joint) + width * config.vocabulary
    return Size(
        parameters=total,
        parameters_body=body,
        flops_per_token=2 * products,
        training_flops_per_token=3 * 2 * products,
        parameter_bytes=_FLOAT_BYTES * total,
    )


def activation_bytes(config: Transformer, batch: int) -> int:
    """Return an upper estimate of the memory that one gradient of ``batch`` full sequences works in.

    Per token: nine vectors of the model width, four of the heads' joint width, three rows of scores a head (or as many
    as the attention states) and three hidden layers for each layer, and four rows of logits; beside them one copy of
    the parameters for the gradient.

    Error: an estimate for a compiled gradient without rematerialisation; parameters and the optimiser's state, which
    the caller holds, are not in it.
    """
    width, joint = config.width, config.heads * config.key_width
    layer = (
        9 * width + 4 * joint + config.attention.score_rows * config.heads * config.context + 3 * config.hidden_width
    )
    per_token = config.layers * layer + 2 * width + 4 * config.vocabulary
    return _FLOAT_BYTES * (batch * config.context * per_token + size(config).parameters)


def model_of_size(template: Transformer, parameters: int) -> Transformer:
    """Return the member of the template's family whose parameter count is nearest to ``parameters``, in ratio.

    The family is the template at the widths that its heads divide; below the first of them, heads of the narrowest
    width are taken away one by one.

    Error: the nearest count is off by less than a factor 2, and by a factor of about 1 + step/width where the
    width is many times the step between the family's widths.
    """
    smallest = _parameters(template, 0)
    if parameters < smallest:
        raise ValueError(f"parameters={parameters} is refused: this family starts at {smallest}; ask for no less.")
    above = bisect.bisect_left(range(parameters), parameters, key=lambda index: _parameters(template, index))
    nearby = range(max(above - 1, 0), above + 1)
    return _member(template, min(nearby, key=lambda index: abs(math.log(_parameters(template, index) / parameters))))


def _parameters(template: Transformer, index: int) -> int:
    return size(_member(template, index)).parameters


def _member(template: Transformer, index: int) -> Transformer:
    shared = template.heads if template.head_width is None else 1
    if index + 1 < shared:
        narrowest = template.width_step // shared
        return msgspec.structs.replace(template, width=(index + 1) * narrowest, heads=index + 1)
    return msgspec.structs.replace(template, width=(index + 2 - shared) * template.width_step)
