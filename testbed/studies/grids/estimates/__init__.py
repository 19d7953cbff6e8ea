"""The numbers that claims can be about across planes, by name: of all of them, or of one capability."""

from collections.abc import Callable, Mapping

from testbed.stats.estimate import Estimate
from testbed.stats.identified import told
from testbed.studies.grids.contexts import context_bend, context_excess, context_step
from testbed.studies.grids.estimates.capability import OF_CAPABILITY, threshold_between
from testbed.studies.grids.estimates.signal import OF_SIGNAL

Number = Callable[..., Estimate | str]

OF_ALL: Mapping[str, Number] = {
    each.__name__: told(each) for each in (context_step, context_bend, context_excess, *OF_SIGNAL, threshold_between)
}
"""From (analysis, level)."""

OF_ONE: Mapping[str, Number] = {name: told(each) for name, each in OF_CAPABILITY.items()}
"""From (analysis, capability, level)."""
