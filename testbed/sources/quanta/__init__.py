"""Quanta of knowledge: blocks of bits, each with one of many tasks, whose answer is the parity of the task's bits."""

from testbed.sources.quanta.source import Quanta

__all__ = ["Quanta"]
