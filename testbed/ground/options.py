"""How a run uses the machine; none of it changes what is asked."""

from typing import Literal

from testbed.ground.checked import Checked

Placement = Literal["jit", "pmap"]
"""By which door the runs of a batch are spread over devices."""
Mapping = Literal["map", "vmap"]
"""How a device walks the runs of a batch: one after the other, or together."""

MOST_SECONDS, MOST_GIB, MOST_SIMULATIONS = 7 * 24 * 3600, 2**20, 100_000


class Options(Checked, frozen=True, kw_only=True):
    """How a run uses the machine; none of it changes what is asked."""

    placement: Placement = "jit"
    """By which door the runs of a batch are spread over the devices."""
    mapping: Mapping | None = None
    """How a device walks its runs; by default one after the other on CPUs, together elsewhere."""
    checkpoint_seconds: float = 60.0
    """Seconds between snapshots of the batch in training."""
    memory_gib: float | None = None
    """Memory that a batch may take per device; by default a share of what the device has."""
    simulations: int = 40
    """Simulated runs of each claim and place of its truth, from which it is told before the run what it can decide, in
    15 seconds or so; of fewer than 40 no claim is refused. 0 leaves it out."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if not 0 <= self.checkpoint_seconds <= MOST_SECONDS:
            raise ValueError(
                f"--checkpoint-seconds {self.checkpoint_seconds}: must be not negative and at most {MOST_SECONDS},"
                " a week; e.g. 60."
            )
        if self.memory_gib is not None and not 0 < self.memory_gib <= MOST_GIB:
            raise ValueError(f"--memory-gib {self.memory_gib}: must be positive and at most {MOST_GIB}; e.g. 8.")
        if not 0 <= self.simulations <= MOST_SIMULATIONS:
            raise ValueError(
                f"--simulations {self.simulations}: must be not negative and at most {MOST_SIMULATIONS}; e.g. 40."
            )
