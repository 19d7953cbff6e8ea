"""The shelves that the command line names."""

from typing import Any

SHELVES = {
    "worlds": "testbed.sources",
    "predictors": "testbed.predictors",
    "attentions": "testbed.model.attention",
    "feed-forwards": "testbed.model.feedforward",
    "embedding noises": "testbed.model.noise",
    "weights": "testbed.weights",
    "capabilities": "testbed.measure.capabilities",
}


def summary(thing: Any) -> str:
    """Return the first line of a docstring, or that there is none."""
    return next(iter((thing.__doc__ or "").strip().splitlines()), "(no docstring)")
