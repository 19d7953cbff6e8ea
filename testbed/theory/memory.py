"""What models must lose that are too small to hold a table of facts: a bound from below, as wide as their numbers."""

import numpy as np
from jaxtyping import Float

from testbed.ground.rules import require
from testbed.sources import Facts
from testbed.theory import asked

FLOAT32 = 32.0
"""Bits of a parameter of a model here: more than it can hold by any training."""


def met(world: Facts, length: int) -> Float[np.ndarray, " F"]:
    """Return the probability that a key stands in a window that begins with a key, its answer behind it.

    >>> met(Facts(facts=2, answers=2, zipf=0.0), 4).tolist()
    [0.75, 0.75]
    """
    return np.asarray(1 - (1 - world.key_law()) ** (asked.whole("length", length, 1, 2**31 - 1, 32) // 2))


def floor(world: Facts, parameters: int, *, length: int, bits: float = FLOAT32, doubt: float = 1e-9) -> float:
    """Return what every model of P parameters loses at least in windows of facts, in nats per token above the truth.

    (1/n)·ln R·Σ_a P(a is met)·(1 − held_a): the P·b bits, and log2(1/doubt) more, hold facts whole, the most frequent
    first, at log2 R bits each. Only the first meeting of a key in a window counts, as its answer can be copied later.

    Error: true for all but a share ``doubt`` of the draws of the right answers, whatever a model is and however it was
    found, if its settings are at most 2^(P·b): so for 32 bits of floats of 32. For fewer bits it is a condition, not a
    floor: models have been seen to hold 2 to 3.6. With doubt = 1 it bounds the mean over draws. Windows that begin
    with an answer count as predicted perfectly. It needs a world without confusion.
    Source: Fano's argument; the union over settings, each of which has Π E Q^t ≤ Π (E Q)^t over independent answers
    (Finner, Ann. Probab. 20, 1992), so that no code over several facts, completed within a window, helps.

    >>> world = Facts(facts=4, answers=8, zipf=1.0)
    >>> round(floor(world, 0, length=2, doubt=1.0), 4), floor(world, 1, length=2)
    (1.0397, 0.0)
    """
    require(world.confusion == 0, "confusion", world.confusion, "0, or answers tell too little of facts", "give 0")
    held = asked.whole("parameters", parameters, 0, 2**63 - 1, 1000)
    require(bool(0 < bits <= FLOAT32), "bits", bits, "above 0, at most 32", "e.g. 32")
    require(bool(0 < doubt <= 1), "doubt", doubt, "a share in (0, 1]", "e.g. 1e-9")
    whole = (held * bits - np.log2(doubt)) / np.log2(world.answers)
    left_F = 1 - np.clip(whole - np.arange(world.facts), 0.0, 1.0)
    begun = 0.5 if world.stationary else 1.0
    return begun * float(np.log(world.answers) * (met(world, length) @ left_F)) / length
