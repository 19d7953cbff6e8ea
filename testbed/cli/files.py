"""Files that a command is to make: what stands in the way is told before any work."""

import os
from pathlib import Path

from testbed.ground.wording import short


def check_place(option: str, place: Path, example: str) -> None:
    """Refuse a file that cannot be made.

    Error: ValueError that names the option, the place and what to name instead.
    """
    named = f"{option} {short(str(place), 120)}"
    if place.is_dir():
        raise ValueError(f"{named}: it is a folder; name a file in it, e.g. {place / example}.")
    if (place.exists() or place.is_symlink()) and not place.is_file():
        raise ValueError(f"{named}: it is no regular file, and would be replaced by one; name another, e.g. {example}.")
    if not place.parent.is_dir():
        raise ValueError(f"{named}: there is no folder {place.parent}; make it, or name a file in another one.")
    if not os.access(place if place.exists() else place.parent, os.W_OK):
        raise ValueError(f"{named}: it may not be written there; name a file in another folder.")
