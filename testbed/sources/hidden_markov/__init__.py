"""Hidden Markov chains: the classics of computational mechanics by name, and any other by its matrices."""

from testbed.sources.hidden_markov.source import HiddenMarkov

__all__ = ["HiddenMarkov"]
