"""Blocks of stationary tokens: each block has a regime of its own, drawn afresh, and blocks are independent."""

from testbed.sources.block_stationary.source import BlockStationary

__all__ = ["BlockStationary"]
