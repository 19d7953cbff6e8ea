"""Law: a world, an attention, a measure and a kind of question are added by a file each, outside of testbed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUTSIDE = ROOT / "tests" / "extension"


def walked(folder, *paths):
    """What the walk says in a process that finds these paths."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT))), "JAX_NUM_CPU_DEVICES": "1"}
    words = [sys.executable, str(ROOT / "tests" / "shared" / "outside.py"), str(folder)]
    return subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, check=False)


def test_four_files_outside_are_all_that_it_takes(tmp_path):
    done = walked(tmp_path, OUTSIDE)
    assert done.returncode == 0, done.stderr
    for told in ("turning", "recent", "sureness", "overconfidence", "window_gain", "windows"):
        assert told in done.stdout
    assert "has no picture of its own" in done.stderr
    assert len(list((OUTSIDE / "testbed").rglob("*.py"))) == 4


def test_without_the_path_nothing_is_found(tmp_path):
    """The liar: the walk fails where the files are not to be found."""
    done = walked(tmp_path)
    assert done.returncode != 0 and "No module named 'testbed.model.attention.recent'" in done.stderr
