"""The model as a value: every assumption about what learns is a field of one frozen struct."""

import math
from typing import Any, Literal, get_args

import msgspec
from jaxtyping import Array, Float, Int, Key

from testbed.model.attention import AnyAttention
from testbed.model.attention.softmax import Softmax
from testbed.model.feedforward import AnyFeedforward
from testbed.model.feedforward.gelu import Gelu

Layout = Literal["paper", "prenorm"]
Positions = Literal["none", "learned", "rotary"]
Scale = Literal["1/d", "1/sqrt(d)"]


class Transformer(msgspec.Struct, frozen=True, kw_only=True):
    """A causal decoder that predicts token t from the tokens before it, in float32.

    A learned start vector, which is no symbol of the alphabet, stands before the first token. With A the projected
    attention of all heads and FFN(x) = W₂ σ(W₁ x + b₁) + b₂, one layer is

    - ``paper``: r = A(x) + FFN(A(x)), with no skip around the attention and no normalisation anywhere;
    - ``prenorm``: y = x + A(norm x), r = y + FFN(norm y), with norm the root-mean-square norm and its gain, which is
      applied once more before the readout.

    The readout is linear, without bias, and not tied to the embedding. Initial values: embeddings standard normal;
    matrices normal with variance 1/fan-in, divided for the last matrix of a branch by the number of branches that the
    depth sums (prenorm 2N; paper N for FFN, none for A, which is the stream itself); the readout at a tenth of its
    fan-in deviation, so that the first loss is close to ln V.

    Source: C. Luo (arXiv 2412.16443) for ``paper`` and the two scales; Radford et al., GPT-2 (2019), and Zhang and
    Sennrich (arXiv 1910.07467) for ``prenorm``; Su et al. (arXiv 2104.09864) for ``rotary``.
    """

    vocabulary: int
    """Number of symbols V, at least 2."""
    context: int
    """Window n in tokens: the length that size and learned positions are made for."""
    width: int
    """Model width M."""
    layers: int = 2
    """Number of layers N."""
    heads: int = 2
    """Attention heads H per layer."""
    head_width: int | None = None
    """Width K of one head; if absent, width / heads."""
    hidden: int | None = None
    """Width F of the feed-forward layer; if absent, 4 × width."""
    layout: Layout = "prenorm"
    """Layer layout: the paper's (no skip around attention, no norm), or the standard pre-norm residual."""
    positions: Positions = "learned"
    """Positional encoding: none, a learned vector per position, or rotation of queries and keys."""
    scale: Scale = "1/sqrt(d)"
    """Factor on the scores: 1/d (the paper's text) or 1/sqrt(d) (its appendix), with d the width of one head."""
    attention: AnyAttention = Softmax()
    """How a position weighs the positions up to itself."""
    feedforward: AnyFeedforward = Gelu()
    """Nonlinearity of the feed-forward layer."""

    def __post_init__(self) -> None:
        for name, least in (("vocabulary", 2), ("context", 1), ("width", 1), ("layers", 1), ("heads", 1)):
            _at_least(name, getattr(self, name), least)
        for name in ("head_width", "hidden"):
            if getattr(self, name) is not None:
                _at_least(name, getattr(self, name), 1)
        for name, choices in (("layout", Layout), ("positions", Positions), ("scale", Scale)):
            if getattr(self, name) not in get_args(choices):
                raise ValueError(f"{name}={getattr(self, name)!r} is unknown: use {' or '.join(get_args(choices))}.")
        self._check_heads()

    def _check_heads(self) -> None:
        step = self.width_step
        if self.width % step:
            rule = "be a multiple of heads" if step == self.heads else "give each head an even width, for rotary"
            below, above = self.width // step * step, -(-self.width // step) * step
            nearest = f"{below} or {above}" if below else f"{above}"
            raise ValueError(
                f"width={self.width} with heads={self.heads} is refused: it must {rule}; use width {nearest}, "
                "another number of heads, or set head_width."
            )
        if self.positions == "rotary" and self.key_width % 2:
            raise ValueError(
                f"head_width={self.key_width} is odd, and rotary positions turn pairs; use {self.key_width + 1}."
            )

    @property
    def width_step(self) -> int:
        """The widths that this model's heads allow are the multiples of this number."""
        if self.head_width is not None:
            return 1
        return self.heads * (2 if self.positions == "rotary" else 1)

    @property
    def key_width(self) -> int:
        """Width K of one head."""
        return self.width // self.heads if self.head_width is None else self.head_width

    @property
    def hidden_width(self) -> int:
        """Width F of the feed-forward layer."""
        return 4 * self.width if self.hidden is None else self.hidden

    @property
    def score_scale(self) -> float:
        """Factor on the attention scores."""
        return 1 / self.key_width if self.scale == "1/d" else 1 / math.sqrt(self.key_width)

    def init(self, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Return fresh float32 parameters, as nested dicts whose names end in the arrays' axes.

        A parameter depends on the key, its own name and its own shape (its scale on the fan-in and depth): models that
        differ in one switch start from the same values wherever they share a parameter.
        """
        from testbed.model import initial

        return initial.init(self, key)

    def logits(self, params: dict[str, Any], tokens_L: Int[Array, " L"]) -> Float[Array, "L V"]:
        """Return the logits of one sequence: row t predicts token t, from the tokens before t alone.

        Sequences may be shorter than the context, and longer where positions are not learned.
        """
        return self.logits_of_batch(params, tokens_L[None])[0]

    def logits_of_batch(self, params: dict[str, Any], tokens_BL: Int[Array, "B L"]) -> Float[Array, "B L V"]:
        """Return the logits of each sequence; the same as ``vmap(logits)``, whose gradient costs more on a CPU."""
        from testbed.model import network

        self._check_length(tokens_BL.shape[1])
        return network.logits(self, params, tokens_BL)

    def representations(self, params: dict[str, Any], tokens_L: Int[Array, " L"]) -> Float[Array, "N L M"]:
        """Return the output r of each layer for one sequence; row t depends on the tokens before t alone.

        The readout of the last layer (after the final norm, where there is one) is ``logits``.
        """
        from testbed.model import network

        self._check_length(tokens_L.shape[0])
        return network.representations(self, params, tokens_L[None])[:, 0]

    def _check_length(self, length: int) -> None:
        if length > self.context and self.positions == "learned":
            raise ValueError(
                f"{length} tokens exceed the context {self.context}, and learned positions end there; "
                "raise context, or use positions none or rotary."
            )


def _at_least(name: str, value: object, least: int) -> None:
    if type(value) is not int or value < least:
        raise ValueError(
            f"{name}={value!r} is refused: it must be an integer and at least {least}; use {least} or more."
        )
