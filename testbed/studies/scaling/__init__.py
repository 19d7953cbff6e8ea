"""The question of what fitted scaling laws are worth where the irreducible loss is known: fits to a finished grid."""

from testbed.studies.scaling.study import ScalingStudy

__all__ = ["ScalingStudy"]
