"""What the tests of the command line share: a command run here or in a process of its own, and what it may answer."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import cli

ROOT = Path(__file__).parents[2]
FILE = str(ROOT / "tests" / "presets.py")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
NOISY = ["truth", "noisy", "--sigma", "0.1", "--base"]
CHAIN = ["truth", "hidden_markov", "--file"]
BLOCKS = ["truth", "block_stationary", "--vocabulary", "4", "--regimes", "2", "--block-length", "3", "--length", "6"]

RECORDED = ["source", "length", "unit", "curve", "epsilon", "rate", "oracle", "mixing", "autocovariance", "absent"]
RECORDED.append("budget")


def told(text):
    """What was printed, without frames and line breaks."""
    return re.sub(r"\s+", " ", re.sub(r"[│╭╮╰╯─]", " ", text))


def asked(capsys, *words):
    """Run a command here; return its status and what it said on standard error."""
    try:
        status = cli.main(list(map(str, words)))
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    said = [line for line in captured.err.splitlines(keepends=True) if " s so far" not in line]
    captured = captured._replace(err="".join(said))
    assert status != 2 or (captured.err.startswith("testbed: ") and captured.err.count("\n") == 1), captured.err
    return status, told(captured.err + (captured.out if status else ""))


def called(*words, **named):
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "testbed", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False, **named)


def refused(answer, *patterns):
    """Whether an answer is a refusal that holds these patterns, in order, and is no crash."""
    status, text = answer
    assert status == 2, text
    assert "Traceback" not in text
    assert re.search(".*".join(patterns), text), text
    return True


def contents(folder):
    """Every file and what it holds."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def spoilt(path, way):
    sound = path.read_bytes()
    if way == "truncated":
        path.write_bytes(sound[: len(sound) // 2])
    elif way == "emptied":
        path.write_bytes(b"")
    else:
        at = len(sound) // 3
        path.write_bytes(sound[:at] + bytes(255 - byte for byte in sound[at : at + 64]) + sound[at + 64 :])


def answered(capsys, *words):
    """What a command prints as JSON, which has no word for what is not finite."""
    assert cli.main(list(map(str, words))) == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
