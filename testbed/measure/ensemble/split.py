"""The exact split of the mean divergence about the replicates' geometric mean."""

from typing import Any

import msgspec

from testbed.measure import geometric
from testbed.measure.ensemble._measure import Measure, Pairs


class Split(Measure):
    """One row: mean divergence = center + spread, jackknifed; see ``testbed.measure.geometric``."""

    @staticmethod
    def observe(pairs: Pairs) -> list[dict[str, Any]]:
        """Return the row of ``testbed.measure.geometric.Decomposition``."""
        return [msgspec.structs.asdict(geometric.decompose(pairs))]
