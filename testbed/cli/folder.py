"""Which story a folder belongs to."""

import importlib
from pathlib import Path
from typing import Any


def judging_of(folder: Path) -> Any:
    """Return the module that judges the run in this folder."""
    from testbed.store import Store
    from testbed.study import is_study

    noise = Store.existing(folder).spec(is_study)
    return importlib.import_module(f"testbed.{'noise_judging' if noise else 'judging'}")
