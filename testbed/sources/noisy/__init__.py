"""Observation noise: tokens replaced at random."""

from testbed.sources.noisy.source import Noisy

__all__ = ["Noisy"]
