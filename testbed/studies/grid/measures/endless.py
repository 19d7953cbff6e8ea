"""The bias part of the exact split for endless replicates, of which the split of a few is a blurred picture."""

import itertools
from typing import Any

from testbed.measure.limit import FEWEST, limit
from testbed.studies.grid.measures._measure import Ensemble, Measure
from testbed.verdict import LEVEL


class Endless(Measure):
    """One row: KL(p*‖p̄) as the replicates become endless, in nats; none for fewer than three replicates."""

    @staticmethod
    def observe(ensemble: Ensemble) -> list[dict[str, Any]]:
        """Return the center at R → ∞ with the ends of its interval; the mean divergence less it is the spread there.

        Error: as `testbed.measure.limit.limit`: over replicates, the contexts count as given.
        """
        walked = ensemble.pairs()
        first = next(walked, None)
        if first is None or len(first[1]) < FEWEST:
            return []
        found = limit(itertools.chain([first], walked), level=LEVEL)
        return [{"replicates": found.n, "center": found.value, "low": found.low, "high": found.high}]
