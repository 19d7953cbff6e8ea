"""The numbers that claims can be about, by name: each an interval, or the sentence that says why there is none."""

import functools
from collections.abc import Callable

from testbed.stats.estimate import Estimate
from testbed.stats.identified import told
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.estimates import bias, data, plateaus, together, variance

Number = Callable[[Analysis, float], Estimate | str]


def of_all(function: Number) -> Number:
    """Return an estimate that has a sentence where a whole group of runs diverged: all means all."""

    @functools.wraps(function)
    def guarded(analysis: Analysis, level: float) -> Estimate | str:
        analysis.check_whole()
        return function(analysis, level)

    return guarded


ESTIMATES: dict[str, Number] = {
    function.__name__: told(function if function is bias.lowest_excess else of_all(function))
    for function in (
        bias.lowest_excess,
        bias.bias_exponent,
        bias.bias_step,
        bias.bias_bend,
        bias.online_bend,
        bias.online_exponent,
        bias.online_step,
        bias.optimisation_residue,
        variance.variance_exponent,
        variance.variance_departure,
        variance.variance_step,
        variance.variance_size_step,
        variance.variance_over_bias,
        variance.bias_over_variance,
        together.bias_variance_correlation,
        together.biases_apart,
        data.data_exponent,
        plateaus.first_fall,
        plateaus.second_fall,
        plateaus.falls_apart,
        plateaus.plateau_length,
        plateaus.plateau_pause,
        plateaus.end_over_plateau,
    )
}
