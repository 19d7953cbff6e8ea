"""The numbers that claims can be about across planes, by name."""

from collections.abc import Callable, Mapping

from testbed.stats.estimate import Estimate
from testbed.stats.identified import told
from testbed.studies.grids.contexts import context_bend, context_excess, context_step
from testbed.studies.grids.estimates.signal import OF_SIGNAL

ESTIMATES: Mapping[str, Callable[..., Estimate | str]] = {
    each.__name__: told(each) for each in (context_step, context_bend, context_excess, *OF_SIGNAL)
}
