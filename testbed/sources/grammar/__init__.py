"""Hierarchical grammars: trees whose symbols are rewritten by random rules, level by level, down to the tokens."""

from testbed.sources.grammar.source import Grammar

__all__ = ["Grammar"]
