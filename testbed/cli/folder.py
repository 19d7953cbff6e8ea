"""Which story a folder belongs to."""

import importlib
from pathlib import Path
from typing import Any


def judging_of(folder: Path) -> Any:
    """Return the module that judges the run in this folder."""
    from testbed.store import Store
    from testbed.study import is_study

    spec = (Store.existing(folder).folder / "spec.json").read_bytes()
    return importlib.import_module(f"testbed.{'noise_judging' if is_study(spec) else 'judging'}")
