"""Every core a device: to be said before jax is imported, as it listens only then."""

import os


def use_all() -> None:
    """Make every core of this process a device of the CPU backend, so that lanes run side by side on them.

    A count forced from outside is left alone, and accelerators are not affected.
    """
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(len(os.sched_getaffinity(0))))
