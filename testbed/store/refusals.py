"""Which folders may be a run, and what to do about a file of a run that cannot be believed."""

import os
import re
from pathlib import Path

from testbed.store.files import UNFINISHED, StoreError

DECLARED, IDENTITY, PROVENANCE, SPEC = "declared.json", "run.json", "provenance.json", "spec.json"
"""What cannot be made anew from parts."""

PARTS, SNAPSHOTS, LOCK = "parts", "snapshots", ".lock"

FORETOLD = "power.json"
"""What was told before the run of what each claim could decide."""

BEFORE = {DECLARED, FORETOLD, IDENTITY, PROVENANCE, SPEC, "floors.parquet", "reference.parquet", "truth.json"}
"""What may be there before anything is trained or measured: what is asked, and what that and a world imply."""

_DERIVED = {"cells.parquet", "ledger.json", "levels.parquet", "reference.parquet", "truth.json"}
"""Files by which what is left of a run is known."""

_PART = re.compile(r"[0-9a-f]{64}\.parquet")
"""The name of a part, and of a snapshot: a digest. Whatever else lies beside them is none of the store's business."""


def digests_in(folder: Path) -> list[str]:
    """Return the digests that files of a folder are named by, in order."""
    try:
        return sorted(path.stem for path in folder.iterdir() if _PART.fullmatch(path.name))
    except FileNotFoundError:
        return []


def check_new(folder: Path) -> None:
    """Refuse a folder without a spec, unless it is new, empty, or holds nothing but what cannot be made anew.

    Error: StoreError.
    """
    if not os.path.lexists(folder):
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    others = {name for name in names if not name.startswith(UNFINISHED)}
    others -= {PARTS, SNAPSHOTS, LOCK, DECLARED, IDENTITY, PROVENANCE}
    parts = folder / PARTS
    if others & _DERIVED and digests_in(parts):
        raise StoreError(f"{folder / SPEC} is missing: {remedy(folder, folder / SPEC)}")
    if others or (parts.is_dir() and any(parts.iterdir()) and not digests_in(parts)):
        raise StoreError(
            f"{folder} exists and is not a run of testbed: --out must be new, empty or a run; choose another."
        )


def remedy(folder: Path, path: Path) -> str:
    """Return what to do about a file of the run in ``folder`` that cannot be believed."""
    if path.name == SPEC:
        return (
            f"restore it from a copy, or remove everything in the folder but {PARTS}, {SNAPSHOTS}, {DECLARED} and "
            f"{PROVENANCE}, and run the same experiment again; finished cells are kept."
        )
    if path.name == DECLARED:
        return "restore it from a copy; until then every verdict says that the declaration is missing."
    if path.name == PROVENANCE:
        return "restore it from a copy; if you delete it, every verdict will say that the declaration is missing."
    if path.name == IDENTITY:
        return (
            f"restore it from a copy, or remove everything in the folder but {PARTS}, {SNAPSHOTS}, {DECLARED}, {SPEC}"
            f" and {PROVENANCE}, and run again; finished cells are kept."
        )
    if path.parent == folder:
        return "delete it and run again, which makes it anew; finished cells are kept."
    return "delete it and run again, which redoes only what it held."
