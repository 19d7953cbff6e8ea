"""What is known exactly about a source, and how it came to be known."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from testbed.ground.checked import Checked
from testbed.ground.wording import short

Method = Literal["closed form", "enumeration", "certified interval", "Monte Carlo"]

LONGEST = 2**20
MOST_CONTEXTS, MOST_TOKENS, MOST_SEED = 2**40, 2**31, 2**32
WIDER = 1.1
"""By how much a sampled interval may come out wider when it is drawn again."""
UNIT_ROUNDOFF = 2.0**-53
NORMAL_QUANTILE = 1.959963984540054


class Quantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number in nats per token, the interval it lies in, and how both were obtained.

    Error: `error` is a bound on rounding ("closed form", "enumeration"), half the width of the interval ("certified
    interval") or the standard error of the mean of at least 30 independent samples ("Monte Carlo"). `low` and `high`
    are certain for the first three and a 95 % interval for the last: see `monte_carlo.means`. It is cut to what is
    certain (0 and ln V, and for a stationary source the rate and the exact entropies of earlier positions), and a mean
    outside of that is moved to the nearest end; the standard error stays that of the mean. A rate that is bracketed by
    two Monte Carlo means has method "Monte Carlo", its interval holds both means and their 95 % margins, its error is
    half of that width, and `gap` is the distance of the means, which more samples do not narrow.
    """

    value: float
    low: float
    high: float
    method: Method
    error: float
    gap: float = 0.0

    @property
    def width(self) -> float:
        """Return the width of the interval."""
        return self.high - self.low


class Absent(NamedTuple):
    """What stands in place of a quantity that a source cannot offer; in JSON for programs it becomes null."""

    reason: str
    """Why, in a few words: the quantity does not exist, or is not computed."""


class Truth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The entropies of a source over windows of `length` tokens, in nats per token.

    `curve[t-1]` is h_t = H(X_t | X_<t); `epsilon` is the mean of h_1..h_length, the loss that no model can beat, with
    its own error, because the errors of the positions are correlated; `rate` is the limit over ever longer windows
    of the same mean; `oracle` is the long-run mean of H(X_t | X_<t, latents), where latents are what the law of X_t
    hangs on, from its regime and the place of its block to what was written before noise; they hold no latent that is
    drawn as X_t itself is, such as a key or a task that the token names.
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

    It speaks of pairs of tokens: three of them may determine each other where no two are correlated.

    Error: `error` is that of `value`: rounding in a closed form; for an eigenvalue of the chain of states rounding,
    with the condition number, and what leaving out weaker directions changes; for a tail exponent, by how much the
    local exponents differ from it over the decade of lags that keeps closest to it. Where no eigenvalue was found, it
    is by how much pairs may differ from independence nevertheless, at the lags beyond. Other whole numbers have none.
    """

    decay: Literal["independent", "finite", "geometric", "power law", "periodic", "never"]
    value: float
    method: Literal["closed form", "eigenvalue"] = "closed form"
    error: float = 0.0


class Budget(Checked, frozen=True, kw_only=True):
    """How much work a truth that has no closed form may cost."""

    contexts: int = 2**16
    """Most contexts that one entropy is enumerated over."""
    tokens: int = 2**21
    """Tokens sampled where enumeration would need more contexts than that."""
    seed: int = 0
    """Root of the random stream of the Monte Carlo part."""
    width: float | None = None
    """Widest interval that may be returned for an entropy (None: whatever the budget gives)."""
    patience: float | None = None
    """Seconds of work, counted and not timed, beyond which a truth is refused before it begins (None: no limit)."""

    def __post_init__(self) -> None:
        for name, most in (("contexts", MOST_CONTEXTS), ("tokens", MOST_TOKENS)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(
                    f"{name}={getattr(self, name)}: it must lie between 1 and {most}; give a positive number in reach."
                )
        if self.width is not None and not self.width > 0:
            raise ValueError(f"width={self.width}: an interval has a positive width; give for example 1e-9.")
        if self.patience is not None and not self.patience > 0:
            raise ValueError(f"patience={self.patience}: seconds of work are a positive number; give for example 60.")
        if not 0 <= self.seed < MOST_SEED:
            raise ValueError(f"seed={self.seed}: it must lie between 0 and 2^32 - 1; give for example 0.")


def rounded(value: float, operations: int | float, *, method: Method = "closed form") -> Quantity:
    """Return a quantity that is exact up to the rounding of `operations` operations in a row."""
    error = operations * UNIT_ROUNDOFF * max(1.0, abs(value))
    return Quantity(value=value, low=value - error, high=value + error, method=method, error=error)


def bracketed(low: float, high: float, *, method: Method) -> Quantity:
    """Return a quantity known to lie between two bounds; its value is their midpoint."""
    return Quantity(value=(low + high) / 2, low=low, high=high, method=method, error=(high - low) / 2)


def between(low: Quantity, high: Quantity, *, least: float = 0.0) -> Quantity:
    """Return a quantity known to lie between two that are sampled, and to be `least` at least."""
    found = bracketed(min(max(low.low, least), high.high), high.high, method="Monte Carlo")
    return msgspec.structs.replace(found, gap=max(high.value - low.value, 0.0))


def moved(found: Quantity, by: float, *, times: float = 1.0) -> Quantity:
    """Return by + times·quantity for two numbers known exactly, times >= 0."""
    ends = {name: by + times * getattr(found, name) for name in ("value", "low", "high")}
    return msgspec.structs.replace(found, **ends, error=times * found.error, gap=times * found.gap)


def check_length(length: int) -> None:
    """Refuse an empty window, and one too long to lay out."""
    if length < 1:
        raise ValueError(f"length={length}: a window holds at least 1 token; give a positive length.")
    if length > LONGEST:
        raise ValueError(f"length={short(length)}: a window has at most {LONGEST} tokens here; give a shorter one.")


def check_width(truth: Truth, budget: Budget) -> None:
    """Refuse a truth with intervals wider than the budget allows; name the widest, and what less would cost."""
    named = {"epsilon": truth.epsilon, "rate": truth.rate, "oracle": truth.oracle}
    named |= {f"h_{t}": each for t, each in enumerate(truth.curve, 1)}
    wide = [(each.width, name, each) for name, each in named.items() if isinstance(each, Quantity)]
    _, name, widest = max(wide, key=lambda each: each[0])
    check(name, widest, budget)


def check(name: str, found: Quantity, budget: Budget, *, price: str = "") -> None:
    """Refuse an interval wider than the budget allows; `price` says what it would take to narrow certified bounds."""
    if budget.width is None or found.width <= budget.width:
        return
    found_wide = f"width={budget.width}: the interval of {name} is {found.width:.3g} wide ({found.method})"
    margin = WIDER if found.method == "Monte Carlo" else 1.01
    remedy = f"ask for width={margin * found.width:.2g} or leave it out."
    raise ValueError("; ".join(filter(None, (found_wide, price, _price(found, budget, budget.width), remedy))))


def _price(found: Quantity, budget: Budget, width: float) -> str:
    """Return what more samples would do for the interval, or why no work narrows it."""
    if found.method == "certified interval":
        return ""
    if found.method != "Monte Carlo":
        return "that is the rounding of float64, which no work narrows"
    if width <= found.gap:
        return f"its two sampled bounds are {found.gap:.3g} apart, which longer windows narrow and more tokens do not"
    log10 = log10_tokens(budget, WIDER * (found.width - found.gap) / (width - found.gap))
    remedy = "allow them" if log10 <= math.log10(MOST_TOKENS) else f"more than the {MOST_TOKENS} that may be kept"
    return f"sampling would take about tokens={large(log10)}, not {budget.tokens}: {remedy}"


def log10_tokens(budget: Budget, excess: float) -> float:
    """Return the logarithm of the tokens that make an interval narrower by that factor than those of the budget do."""
    return math.log10(budget.tokens) + 2 * math.log10(excess)


def price_of_contexts(widths: Sequence[float], depth: int, contexts: int, budget: Budget) -> str:
    """Return what the width asked for would cost if the interval shrinks on as it did, or nothing if it is reached.

    `widths` are those after 1, 2, … tokens; up to `depth`, where that many contexts were summed over, both ends of the
    interval moved, and the last three of these tell how fast.
    """
    if budget.width is None or widths[-1] <= budget.width:
        return ""
    back = min(3, depth - 1)
    summed = f"summing left {widths[-1]:.3g} after {depth} tokens and {contexts} contexts, as many as are affordable"
    shrinking = (math.log(widths[depth - 1]) - math.log(widths[depth - 1 - back])) / back if back else 0.0
    if shrinking >= 0:
        return f"{summed}; more context does not narrow it"
    needed = depth + math.ceil((math.log(budget.width) - math.log(widths[-1])) / shrinking)
    distinct = large(math.log10(contexts) * needed / depth)
    return (
        f"{summed}; it shrinks by {math.exp(shrinking):.6g} per token, so that {needed} tokens and about {distinct}"
        " contexts would be needed"
    )


def large(log10: float) -> str:
    """Return a number by its decimal logarithm, which may be beyond float64.

    >>> large(5.3), large(412.3)
    ('2.0e+05', '10^412')
    """
    return f"{10**log10:.1e}" if log10 < 300 else f"10^{log10:.0f}"
