"""The figures of grids: what is seen across planes."""

from testbed.studies.grids.page.drawn import drawn

__all__ = ["drawn"]
