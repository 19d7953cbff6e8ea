"""How much work a truth is: refused before it begins where it is more than allowed, and told while it is done."""

import contextlib
import contextvars
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax

from testbed.laws.record import Budget

Listener = Callable[[str, float, float], None]
"""Is told what is done, how much of it is done, and how much it is in all."""

SPEED = 2.0**31
"""Operations that count as a second of one processor core: work is counted, so that no answer hangs on a clock."""
STEP = 8.0
"""Operations that any one instruction costs, however few numbers it makes."""
SCATTERED = 8.0
"""Operations that one number costs which is gathered, scattered or sorted."""

_limit: contextvars.ContextVar[Budget | None] = contextvars.ContextVar("limit", default=None)
_listener: contextvars.ContextVar[Listener | None] = contextvars.ContextVar("listener", default=None)


@contextlib.contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Tell the listener of all steps that are taken inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def step(what: str, done: int | float, total: int | float) -> None:
    """Tell who listens that so much of something is done; `total` 0 means that nobody knows how much it is."""
    listener = _listener.get()
    if listener is not None:
        listener(what, float(done), float(total))


def allow(what: str, operations: int | float, budget: Budget, remedy: str) -> None:
    """Refuse work that is expected to take longer than the patience of the budget.

    Error: ValueError with the time, and the options that shorten it or allow it.
    """
    seconds = operations / SPEED
    if not affordable(operations, budget):
        raise ValueError(
            f"patience={budget.patience:g}: {what} would take about {told(seconds)}; allow it by"
            f" patience={_round(seconds)}, or {remedy}."
        )


@contextlib.contextmanager
def limited(budget: Budget) -> Iterator[None]:
    """Hold what is done inside, and is handed no budget, to the patience of this one."""
    token = _limit.set(budget)
    try:
        yield
    finally:
        _limit.reset(token)


def allow_here(what: str, operations: int | float, remedy: str) -> None:
    """Refuse work as `allow` does, if there is a limit here."""
    budget = _limit.get()
    if budget is not None:
        allow(what, operations, budget, remedy)


def affordable(operations: int | float, budget: Budget) -> bool:
    """Return whether so much work is within the patience of the budget."""
    return budget.patience is None or operations / SPEED <= budget.patience


def told(seconds: float) -> str:
    """Return a time in words.

    >>> told(20.4), told(200.0), told(8e3), told(1e6)
    ('20 s', '3.3 minutes', '2.2 hours', '12 days')
    """
    for unit, size, most in (("s", 1, 99), ("minutes", 60, 7200), ("hours", 3600, 172800), ("days", 86400, 3.2e8)):
        if seconds < most:
            number = seconds / size
            return f"{number:.0f} {unit}" if number >= 10 else f"{number:.2g} {unit}"
    return f"10^{math.log10(seconds / 3.15e7):.0f} years"


def operations(function: Callable[..., Any], *arguments: Any) -> float:
    """Return about how many operations a call is, counted over the instructions that jax makes of it.

    A number that an instruction makes is one operation, a product of matrices one for each factor, and what is
    gathered, scattered or sorted SCATTERED; the rounds of a loop are multiplied.
    """
    return _of(jax.make_jaxpr(function)(*arguments).jaxpr)


def _round(seconds: float) -> str:
    return f"{math.ceil(seconds * 1.1 + 1)}" if seconds < 1e9 else f"{seconds:.1e}"


def _of(jaxpr: Any) -> float:
    return float(sum(map(_equation, jaxpr.eqns)))


def _equation(equation: Any) -> float:
    """Return the operations of one instruction, those of the programs inside of it included."""
    name, parameters = equation.primitive.name, equation.params
    inside = [each for each in jax.tree.leaves(list(parameters.values()), is_leaf=_program) if _program(each)]
    if inside:
        inner = [_of(getattr(each, "jaxpr", each)) for each in inside]
        return float(
            parameters["length"] * sum(inner) if name == "scan" else max(inner) if name == "cond" else sum(inner)
        )
    numbers = _numbers(equation.outvars)
    if name == "dot_general":
        (contracted, _), _ = parameters["dimension_numbers"]
        numbers *= math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    elif name.startswith("scatter"):
        numbers += SCATTERED * _numbers(equation.invars[2:])
    elif name in ("sort", "gather"):
        numbers *= SCATTERED
    return STEP + numbers


def _numbers(variables: Any) -> float:
    return float(sum(math.prod(each.aval.shape) for each in variables))


def _program(value: Any) -> bool:
    return hasattr(value, "eqns") or hasattr(getattr(value, "jaxpr", None), "eqns")
