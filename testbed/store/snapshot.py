"""Work under way: one file, replaced whole each time."""

import os
from collections.abc import Callable
from pathlib import Path

from testbed.store.files import StoreError, explained
from testbed.store.tables import Arrays


class Snapshot:
    """The place where work under way is saved."""

    def __init__(self, path: Path, read: Callable[[], Arrays], write: Callable[[Arrays], None]) -> None:
        self.path, self._read, self._write = path, read, write

    def exists(self) -> bool:
        """Return whether there is one."""
        return os.path.lexists(self.path)

    def load(self) -> Arrays | None:
        """Return the last snapshot, or None; another process may finish the work and drop it at any moment.

        Error: StoreError if it is damaged.
        """
        try:
            return self._read()
        except StoreError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    def save(self, arrays: Arrays) -> None:
        """Replace the snapshot."""
        self._write(arrays)

    def drop(self) -> None:
        """Forget the snapshot, once all it held is in finished parts."""
        with explained(self.path):
            self.path.unlink(missing_ok=True)
