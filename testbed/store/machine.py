"""The machine: its devices, its compilation cache, and a record of what a run was made with."""

import datetime
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from testbed.ground.programs import heal

_RECORDED = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "msgspec",
    "statsmodels",
    "plotly",
)


def cache_folder() -> Path:
    """Return where compiled programs are kept between processes: $TESTBED_CACHE, else testbed/ in the user's cache."""
    named = os.environ.get("TESTBED_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "testbed"


def keep_compilations() -> None:
    """Make this process read and write the persistent compilation cache."""
    if os.environ.get("TESTBED_CACHE"):
        _check_cache(cache_folder())
    heal()
    jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "programs"))
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")  # they put the folder's name into every key
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def provenance(seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Return versions, devices, seeds and settings, as plain values for JSON."""
    devices = jax.local_devices()
    return {
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), "testbed": _version("testbed")}
        | {name: _version(name) for name in _RECORDED},
        "commit": _commit(),
        "platform": platform.platform(),
        "devices": [f"{device.platform} {device.device_kind} {device.id}" for device in devices],
        "cpus": os.cpu_count(),
        "seed": seed,
        "streams": "named streams under the seed: data, order (by draw); initialisation; evaluation",
        "settings": settings,
    }


def _check_cache(folder: Path) -> None:
    """Refuse a named cache that cannot be kept, rather than compile everything anew each time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"TESTBED_CACHE={folder}: {error.strerror}: it must be a folder that may be written; "
            "name another, or unset it."
        ) from error


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the working tree that this package lies in, marked if it has changes."""
    here = Path(__file__).parent
    asked = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
