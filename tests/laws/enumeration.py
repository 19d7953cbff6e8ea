"""What the enumeration code of all families shares: plain numpy."""

import numpy as np


def block_entropy(probabilities):
    """Entropy in nats of an array of probabilities."""
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())


def growth(joint):
    """H(X_t | X_<t), t = 1..n, as the growth of the entropy of ever longer strings."""
    length = joint.ndim
    totals = [block_entropy(joint.sum(axis=tuple(range(t, length)))) for t in range(length + 1)]
    return np.diff(totals)
