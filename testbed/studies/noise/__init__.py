"""The question of noise against context length n: one assumption after the other kept and dropped."""

from testbed.studies.noise.arms import Arm, Fit
from testbed.studies.noise.study import NoiseStudy

__all__ = ["Arm", "Fit", "NoiseStudy"]
