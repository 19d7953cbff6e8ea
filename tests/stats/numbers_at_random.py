"""Columns and tables of numbers, sound and odd, that statistics are tried on."""

import importlib

import numpy as np
from hypothesis import strategies as st

from testbed.stats.distance import Distance
from testbed.stats.estimate import Estimate
from testbed.stats.moments import Block, known

ODD = [float("nan"), np.inf, -np.inf, 0.0, -1.0, 1.0, 1.0 + 2e-16, 1e300, -1e300, 1e155, 1e60, 1e-60, 1e-300, 5e-324]
kinds = st.sampled_from(["odd", "one odd", "constant", "ordinary", "ordinary", "halves", "whole", "objects"])
odd = st.sampled_from(ODD)


def column(data, size, above=False):
    """So many numbers of one kind; ``above`` zero, where they are ordinary."""
    kind, rng = data.draw(kinds), np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.uniform(0.5, 2.0, size) if above else rng.standard_normal(size)
    if kind == "odd":
        return np.array(data.draw(st.lists(odd, min_size=size, max_size=size)), float)
    if kind == "one odd" and size:
        x[rng.integers(size)] = data.draw(odd)
    return {
        "constant": np.full(size, data.draw(odd)),
        "halves": np.repeat(x[:2], [size - size // 2, size // 2]) if size > 1 else x,
        "whole": np.array([2**62, 3, 2**40] * size)[:size],
        "objects": np.array([None, 10**400, "a"] * size, dtype=object)[:size],
    }.get(kind, x)


def table(data, *shape):
    flat = column(data, int(np.prod(shape)))
    return flat.reshape(shape)


class Draw:
    """One set of arguments, of numbers of points that are mostly alike."""

    def __init__(self, data):
        self.data = data
        self.size = data.draw(st.integers(0, 5))
        self.level = data.draw(st.sampled_from([0.95, 0.95, 0.5, 1 - 1e-16, 1e-300]))

    def some(self, above=False):
        return column(self.data, self.size + self.data.draw(st.sampled_from([0] * 9 + [1])), above)

    def lengths(self):
        equal = [16, 16, 32, 32, 16], [1.0] * 5, [16, 32, 64, 128, 256], [16, 16 + 1e-13, 16, 16, 16]
        given = np.array(self.data.draw(st.sampled_from(equal))[: self.size])
        return given if self.data.draw(st.booleans()) else self.some(above=True)

    def curves(self):
        return self.data.draw(st.sampled_from([[0, 0, 1, 1, 0], [0, 1, 2, 3, 4], [0] * 5]))[: self.size]

    def units(self):
        usual = np.full(self.size, self.data.draw(st.sampled_from([0, 1, 2, 100, 2**62])))
        return usual if self.data.draw(st.booleans()) else self.some()

    def units_of_one(self):
        return self.data.draw(st.sampled_from([-1, 0, 1, 20, 2**62]))

    def sample(self):
        return column(self.data, self.data.draw(st.sampled_from([0, 1, 2, 20, 33])))

    def vectors(self):
        return table(self.data, self.data.draw(st.sampled_from([0, 1, 2, 3, 24])), self.data.draw(st.integers(0, 3)))

    def estimate(self):
        value = self.data.draw(st.sampled_from([each for each in ODD if np.isfinite(each)]))
        low, high = (self.data.draw(st.sampled_from([0.0, 1.0, np.inf])) for _ in range(2))
        return Estimate(value=value, low=value - low, high=value + high, level=0.95, n=3, method="test")

    def estimates(self):
        return [self.estimate() for _ in range(self.size)]

    def distances(self):
        given = self.data.draw(st.sampled_from([0.0, 0.01, 5e-324])), *self.some()[:1]
        whole = Estimate(value=given[0], low=0.0, high=1.0, level=0.95, n=400, method="test")
        return [Distance(whole, float(given[-1] or 0.0), 0.01, 0.02) for _ in range(self.size)]

    def blocks(self):
        shape = tuple(self.data.draw(st.integers(0 if axis < 2 else 1, 3)) for axis in range(3))
        labels = self.data.draw(st.sampled_from([tuple(range(shape[0])), (0,) * shape[0], (0, 1)]))
        return [Block(table(self.data, *shape), (labels,)) for _ in range(self.data.draw(st.integers(0, 2)))]

    def seen(self, size=None):
        """Moments that some constructor took; the statistic is not asked what its constructor refused."""
        size = self.size if size is None else size
        error = column(self.data, size, above=True)
        return known(column(self.data, size), error, np.full(size, 3.0))

    def stream(self):
        x = self.vectors()
        return module("streaming").sums(x, np.zeros(x.shape[1]))

    def of_stream(self):
        found = self.stream()
        return found.vectors, found.mean_M, found.about(table(self.data, len(found.centre_M))), found.covariance_MM()


def module(name):
    return importlib.import_module(f"testbed.stats.{name}")
