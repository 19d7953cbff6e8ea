"""Markov chains of any order, started from their stationary law."""

from testbed.sources.markov.source import Markov

__all__ = ["Markov"]
