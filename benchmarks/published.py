"""Published entropies, redundancies and exponents beside what the worlds say, row by row.

Run: ``python benchmarks/published.py``. A row agrees if the computed value, rounded to the digits that were published,
is the published one (or lies in the published interval).
"""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from testbed.sources import Budget, DirichletBlocks, HiddenMarkov, Inflated, Markov, Polya, Quanta, Source

Number = int | float


class Row(NamedTuple):
    """A published number (or interval) as it is printed there, and the way to compute it here."""

    name: str
    published: tuple[str, ...]
    computed: Callable[[], Number]


def rate(source: Source, width: float | None = None) -> float:
    """Return the entropy rate, the middle of its interval where it has one."""
    return source.truth(2, budget=Budget(width=width)).rate.value


def h(source: Source, position: int) -> float:
    """Return H(X_t | X_<t)."""
    return source.truth(position).curve[-1].value


@functools.cache
def mess3(x: float, a: float) -> HiddenMarkov:
    return HiddenMarkov(process="mess3", parameters=(x, a))


def redundancy(length: int) -> float:
    """Return what not knowing a Beta(1/2, 1/2) coin costs over a window, in nats."""
    truth = Polya(vocabulary=2, concentration=0.5).truth(length)
    return length * (truth.epsilon.value - truth.oracle.value)


def excess(symbols: int, position: int) -> float:
    """Return t times what the step after t tokens costs beyond the oracle, for a uniform law over all laws."""
    truth = Polya(vocabulary=symbols).truth(position + 1)
    return position * (truth.curve[-1].value - truth.oracle.value)


def known_blocks(length: int) -> DirichletBlocks:
    return DirichletBlocks(vocabulary=2, concentration=0.5, block_length=length)


def variance_constant(second: float) -> float:
    """Return the limit of n times the variance of the mean of a symmetric chain on -1, +1."""
    stay = (1 + second) / 2
    chain = Markov(vocabulary=2, rows=((stay, 1 - stay), (1 - stay, stay)))
    sign_V = np.array([-1.0, 1.0])
    return 1 + 2 * float(sum(sign_V @ chain.pair_law(lag) @ sign_V for lag in range(1, 2000)))


def exponent(loss: Callable[[int], float], amount: int) -> float:
    """Return the exponent of a falling loss around an amount, from differences: what the rarest tasks leave cancels."""
    first, second, third = (loss(amount * factor) for factor in (1, 2, 4))
    return float(np.log((first - second) / (second - third)) / np.log(2))


TWO_STATES = Markov(vocabulary=2, rows=((0.8, 0.2), (0.3, 0.7)))
CLASSICS = {"golden_mean": "0.462098120373", "even": "0.462098120373", "rrxor": "0.462098120373"}
MESS3 = ("1.098612", "1.091068", "1.089391", "1.089004", "1.088915", "1.088894")
MESS3_RATE = ("1.088888205493", "1.088888209772")
SKILLS = Quanta(tasks=10**6, bits=10, subset=3, alpha=0.4)

ROWS = [
    *(
        Row(f"{name}, rate", (value,), functools.partial(rate, HiddenMarkov(process=name)))
        for name, value in CLASSICS.items()
    ),
    Row("rrxor, H(X_16 | X_<16)", ("0.476286",), functools.partial(h, HiddenMarkov(process="rrxor"), 16)),
    Row("zero-one-random, rate", ("0.231049060187",), functools.partial(rate, HiddenMarkov(process="zero_one_random"))),
    *(
        Row(f"mess3(.15, .6), h_{t}", (value,), functools.partial(h, mess3(0.15, 0.6), t))
        for t, value in enumerate(MESS3, start=1)
    ),
    Row("mess3(.15, .6), rate", MESS3_RATE, functools.partial(rate, mess3(0.15, 0.6), 2e-9)),
    Row("mess3(.05, .85), rate", ("0.793457511", "0.793457647"), functools.partial(rate, mess3(0.05, 0.85), 1e-7)),
    Row("two states .2, .3, rate", ("0.544587175",), functools.partial(rate, TWO_STATES)),
    Row("two states .2, .3, one token", ("0.673011667",), functools.partial(h, TWO_STATES, 1)),
    *(
        Row(
            f"mean entropy of a Dirichlet(1) row on {symbols} symbols",
            (value,),
            functools.partial(lambda symbols: Polya(vocabulary=symbols).truth(1).oracle.value, symbols),
        )
        for symbols, value in ((10, "1.928968"), (100, "4.187378"))
    ),
    Row(
        "two states, inflated by 5, above ln 5",
        ("0.544587175",),
        lambda: rate(Inflated(base=TWO_STATES, factor=5)) - np.log(5),
    ),
    *(
        Row(f"KT redundancy, n = {length}", (value,), functools.partial(redundancy, length))
        for length, value in ((64, "1.872204"), (256, "2.531298"), (1024, "3.207834"))
    ),
    Row("Dirichlet-multinomial on 10, t * excess at 1000", ("4.42",), functools.partial(excess, 10, 1000)),
    *(
        Row(
            f"blocks of {length}, boundaries known",
            (value,),
            functools.partial(lambda length: known_blocks(length).truth(length).epsilon.value, length),
        )
        for length, value in ((16, "0.464414"), (32, "0.434875"))
    ),
    Row("blocks, oracle", ("0.386294",), lambda: known_blocks(16).truth(16).oracle.value),
    *(
        Row(
            f"chain on -1, +1 with eigenvalue {second}, n Var",
            (f"{(1 + second) / (1 - second):.9f}",),
            functools.partial(variance_constant, second),
        )
        for second in (0.5, 0.9, 0.95)
    ),
    Row("quanta, Zipf 1.4, exponent in skills", ("0.40",), lambda: exponent(SKILLS.bias, 1000)),
    Row("quanta, Zipf 1.4, exponent in data", ("0.2857",), lambda: exponent(SKILLS.unseen, 10**6)),
]


def agrees(row: Row, value: Number) -> bool:
    """Return whether the value is the published one to its digits, or lies in the published interval."""
    if len(row.published) == 2:
        low, high = map(float, row.published)
        return low <= value <= high
    digits = len(row.published[0].partition(".")[2])
    return f"{value:.{digits}f}" == row.published[0]


def table() -> Iterator[str]:
    for row in ROWS:
        value = row.computed()
        verdict = "agrees" if agrees(row, value) else "DIFFERS"
        yield f"{row.name:52} {' to '.join(row.published):>32} {value:18.12f}  {verdict}"


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
