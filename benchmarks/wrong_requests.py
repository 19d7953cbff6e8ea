"""Every wrong request of the tests, run in one process: how many end in one sentence, and what the others do.

    python -m benchmarks.wrong_requests [part of a name …]

A request ends well if its status is 2, its one line on standard error has at most 410 characters, nothing is printed
elsewhere, and no file is made or changed. Each has 20 seconds.
"""

import collections
import sys
import tempfile
from pathlib import Path

from tests.cli import wrong
from tests.cli.answers import answer, faults, quiet


def main(parts: list[str]) -> int:
    """Run the requests whose name holds one of these parts, or all; return the number that end otherwise."""
    counted: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as place, quiet(Path(place)) as folder:
        requests = wrong.words() | wrong.with_files(folder / "files")
        for name, words in requests.items():
            if not parts or any(part in name for part in parts):
                found = answer(words, folder)
                why = faults(found)
                counted["otherwise" if why else "in one sentence"] += 1
                print(*(("OTHERWISE", name, why, found.said) if why else (name, "|", found.said.strip())))
    print(dict(counted))
    return counted["otherwise"]


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
