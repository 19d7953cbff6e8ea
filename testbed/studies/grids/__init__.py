"""The question of loss, signal and capability over several worlds or context lengths: one grid in each of them."""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from testbed.studies.grids.study import GridsStudy

__all__ = ["GridsStudy"]
