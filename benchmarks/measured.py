"""With what a table was measured: the command, the day, the processor and the commit, for the docs."""

import datetime
import platform
import subprocess
import sys
from pathlib import Path


def measured(name: str) -> str:
    """Return the line above a table that ``python -m benchmarks.<name>`` prints."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    today = datetime.datetime.now(datetime.UTC).date()
    command = " ".join(["python -m", f"benchmarks.{name}", *sys.argv[1:]])
    return f"`{command}`, {today}, {named[0] if named else platform.machine()}, commit {commit.stdout.strip()}."
