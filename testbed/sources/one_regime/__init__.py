"""One regime for ever: a component law is chosen once, and all tokens of the sequence come from it."""

from testbed.sources.one_regime.source import OneRegime

__all__ = ["OneRegime"]
