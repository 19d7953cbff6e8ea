"""Blocks of independent tokens, each block with a law of its own, drawn from a Dirichlet law."""

from testbed.sources.dirichlet_blocks.source import DirichletBlocks

__all__ = ["DirichletBlocks"]
