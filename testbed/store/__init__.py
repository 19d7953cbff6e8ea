"""Append-only results: one immutable Parquet part per finished cell, safe under kills and with several writers."""

from testbed.store.derived import sheet
from testbed.store.files import StoreError, write_outside
from testbed.store.folder import Store
from testbed.store.refusals import PROVENANCE
from testbed.store.snapshot import Snapshot
from testbed.store.tables import Arrays

__all__ = ["PROVENANCE", "Arrays", "Snapshot", "Store", "StoreError", "sheet", "write_outside"]
