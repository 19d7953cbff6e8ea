"""The model as a value: every assumption about what learns is a field of one frozen struct."""

import math
from typing import Any, Literal

import msgspec

from testbed.ground.checked import Checked
from testbed.model import _refusals
from testbed.model.attention import AnyAttention
from testbed.model.attention.softmax import Softmax
from testbed.model.feedforward import AnyFeedforward
from testbed.model.feedforward.gelu import Gelu
from testbed.model.noise import AnyNoise

Layout = Literal["paper", "prenorm"]
Positions = Literal["none", "learned", "rotary"]
Scale = Literal["1/d", "1/sqrt(d)"]

MOST_WIDTH = 2**31 - 1
MOST_LAYERS = 1024
_RANGES = {
    "vocabulary": (2, 2**24),
    "context": (1, 2**20),
    "width": (1, MOST_WIDTH),
    "layers": (1, MOST_LAYERS),
    "heads": (1, MOST_WIDTH),
    "head_width": (1, MOST_WIDTH),
    "hidden": (1, 2**24),
}
"""What a field may hold: countable in 32 bits; what a machine can hold is another matter, told by the plan."""

_LIMITS = ("query_bound", "key_bound", "value_bound", "feedforward_lipschitz", "feedforward_bound")
_SWITCHES = ("logit_gain", "embedding_noise", *_LIMITS)


class Transformer(Checked, frozen=True, kw_only=True):
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
    query_bound: float | None = None
    """M_Q: each head's query is shortened to this length where it is longer; if absent, never."""
    key_bound: float | None = None
    """M_K: the same for keys."""
    value_bound: float | None = None
    """M_V: the same for values."""
    logit_gain: float = 1.0
    """Factor s on the scores, beside their scale."""
    embedding_noise: AnyNoise | None = None
    """Independent noise added to the vector of every token (not of the start), resampled by every forward's key."""
    feedforward_lipschitz: float | None = None
    """L_F: the two feed-forward matrices are scaled down so that |W₂|·|W₁|·Lip(σ) is at most this; if absent, never."""
    feedforward_bound: float | None = None
    """M_F: the feed-forward output is shortened to this length where it is longer; if absent, never."""

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            if getattr(self, name) is not None:
                _refusals.unless_between(name, getattr(self, name), least, most)
        self._check_heads()
        self._check_switches()

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

    def _check_switches(self) -> None:
        for name in ("logit_gain", *_LIMITS):
            if getattr(self, name) is not None:
                _refusals.unless_positive(name, getattr(self, name))
        if self.feedforward_lipschitz is not None and self.feedforward.lipschitz == math.inf:
            raise ValueError(
                f"feedforward_lipschitz={self.feedforward_lipschitz} is refused: {self.feedforward} has no Lipschitz "
                "constant, so that no matrices keep the limit; use gelu or relu, or leave the limit out."
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
        """Factor on the attention scores: the scale times the gain."""
        return self.logit_gain * (1 / self.key_width if self.scale == "1/d" else 1 / math.sqrt(self.key_width))

    def identity(self) -> dict[str, Any]:
        """Return the fields as plain values, without the switches that are at rest.

        So a switch that is added renames no run that was made before it.
        """
        plain: dict[str, Any] = msgspec.to_builtins(self)
        for field in msgspec.structs.fields(self):
            if field.name in _SWITCHES and getattr(self, field.name) == field.default:
                del plain[field.name]
        return plain | ({"attention": {"kind": "softmax"}} if self.attention == Softmax() else {})
