"""The small experiment with claims, as a file that the command line takes."""

import msgspec

from testbed.predictors import ContextTree, Counting
from testbed.verdict import Claim
from tests.shared.small import EXPERIMENT


def claim(name, estimate, *, low=None, high=None):
    """A claim whose sentence and section are of no interest, and which so small a grid need not decide."""
    return Claim(
        id=name, sentence=f"{name} holds.", section="tests", quantity=estimate, low=low, high=high, level=0.9,
        exploratory=True,
    )  # fmt: skip


CLAIMS = (
    claim("floor", "lowest_excess", low=0.0),
    claim("identity", "identity_closure", high=1e-9),
    claim("law", "variance_exponent", low=0.0),
)
OTHER_CLAIMS = (claim("broken", "identity_closure", low=1.0), claim("sizes", "online_step", high=0.0))

REFERENCES = (Counting(), ContextTree(depth=2))

JUDGED = msgspec.structs.replace(EXPERIMENT, claims=CLAIMS, references=REFERENCES)

PRESETS = {
    "quick": JUDGED,
    "other": msgspec.structs.replace(EXPERIMENT, claims=OTHER_CLAIMS),
    "unknown": msgspec.structs.replace(EXPERIMENT, claims=(claim("odd", "no_such_estimate", low=0.0),)),
}
