"""Markov chains whose transition matrix is resampled for each sequence."""

from testbed.sources.in_context_markov.source import InContextMarkov

__all__ = ["InContextMarkov"]
