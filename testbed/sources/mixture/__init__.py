"""Mixtures: one of several sources is chosen for a whole sequence."""

from testbed.sources.mixture.source import Mixture

__all__ = ["Mixture"]
