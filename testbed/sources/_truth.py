"""What is known exactly about a source, and how it came to be known."""

from typing import Literal, NamedTuple

import msgspec

Method = Literal["closed form", "enumeration", "certified interval", "Monte Carlo"]

UNIT_ROUNDOFF = 2.0**-53
NORMAL_QUANTILE = 1.959963984540054


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """A number in nats per token, the interval it lies in, and how both were obtained.

    Error: `error` is a bound on rounding ("closed form", "enumeration"), half the width of the interval ("certified
    interval") or a standard error ("Monte Carlo"). `low` and `high` are certain for the first three and a 95 %
    normal interval for the last. A rate that is bracketed by two Monte Carlo means has method "Monte Carlo", its
    interval holds both means and their 95 % margins, and its error is half of that width.
    """

    value: float
    low: float
    high: float
    method: Method
    error: float


class Absent(NamedTuple):
    """What stands in place of a quantity that a source cannot offer; in JSON for programs it becomes null."""

    reason: str
    """Why, in a few words: the quantity does not exist, or is not computed."""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """The entropies of a source over windows of `length` tokens, in nats per token.

    `curve[t-1]` is h_t = H(X_t | X_<t); `epsilon` is the mean of h_1..h_length, the loss that no model can beat, with
    its own error, because the errors of the positions are correlated; `rate` is the limit over ever longer windows
    of the same mean; `oracle` is the long-run mean of H(X_t | X_<t, latents).
    """

    length: int
    curve: tuple[Quantity, ...]
    epsilon: Quantity
    rate: Quantity | Absent
    oracle: Quantity | Absent


class Mixing(msgspec.Struct, frozen=True, kw_only=True):
    """How fast tokens far apart become independent, at random positions of the long run.

    `decay` names the law of the correlation between functions of X_0 and of X_k, and `value` its number:

    - "independent": none at any lag (0);
    - "finite": none beyond the lag `value`;
    - "geometric": of the order |λ|^k, `value` the second eigenvalue λ (the largest that is not 1, by modulus);
    - "power law": of the order k^-value, `value` the tail exponent;
    - "periodic": it comes back for ever with the period `value`, though time averages converge to one limit;
    - "never": time averages differ from sequence to sequence (not ergodic); `value` is 1.
    """

    decay: Literal["independent", "finite", "geometric", "power law", "periodic", "never"]
    value: float


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much work a truth that has no closed form may cost."""

    contexts: int = 2**16
    """Most contexts that one entropy is enumerated over."""
    tokens: int = 2**21
    """Tokens sampled where enumeration would need more contexts than that."""
    seed: int = 0
    """Root of the random stream of the Monte Carlo part."""
    width: float | None = None
    """Widest interval that may be returned for an entropy (None: whatever the budget gives)."""

    def __post_init__(self) -> None:
        if self.contexts < 1:
            raise ValueError(f"contexts={self.contexts}: at least 1 is needed; give a positive number.")
        if self.tokens < 1:
            raise ValueError(f"tokens={self.tokens}: at least 1 is needed; give a positive number.")
        if self.width is not None and not self.width > 0:
            raise ValueError(f"width={self.width}: an interval has a positive width; give for example 1e-9.")


def rounded(value: float, operations: int | float, *, method: Method = "closed form") -> Quantity:
    """Return a quantity that is exact up to the rounding of `operations` operations in a row."""
    error = operations * UNIT_ROUNDOFF * max(1.0, abs(value))
    return Quantity(value=value, low=value - error, high=value + error, method=method, error=error)


def sampled(mean: float, standard_error: float) -> Quantity:
    """Return a Monte Carlo mean with its 95 % normal interval."""
    margin = NORMAL_QUANTILE * standard_error
    return Quantity(value=mean, low=mean - margin, high=mean + margin, method="Monte Carlo", error=standard_error)


def bracketed(low: float, high: float, *, method: Method) -> Quantity:
    """Return a quantity known to lie between two bounds; its value is their midpoint."""
    return Quantity(value=(low + high) / 2, low=low, high=high, method=method, error=(high - low) / 2)


def check_length(length: int) -> None:
    """Refuse an empty window."""
    if length < 1:
        raise ValueError(f"length={length}: a window holds at least 1 token; give a positive length.")


def check_width(truth: Truth, budget: Budget) -> None:
    """Refuse a truth with an interval wider than the budget allows, and name what a narrower one would cost."""
    if budget.width is None:
        return
    named = {"epsilon": truth.epsilon, "rate": truth.rate, "oracle": truth.oracle}
    for name, each in {**named, **{f"h_{t}": each for t, each in enumerate(truth.curve, 1)}}.items():
        if isinstance(each, Absent) or each.high - each.low <= budget.width:
            continue
        width = each.high - each.low
        remedy = f"ask for width={1.01 * width:.2g} or leave it out"
        if each.method == "Monte Carlo":
            tokens = budget.tokens * (width / budget.width) ** 2
            remedy = f"sampling would take about tokens={tokens:.1e}, not {budget.tokens}; allow them, or {remedy}"
        raise ValueError(f"width={budget.width}: the interval of {name} is {width:.3g} wide ({each.method}); {remedy}.")
