"""A run that is killed again and again ends as one that was left alone, and loses little each time."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from testbed.store import Store, machine
from tests.shared.tables import same_parameters, same_tables
from tests.store.killed import EXPERIMENT, INTERVAL_SECONDS

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 240
MOMENTS = random.Random(0)
"""Where the kills fall: one while learning rates are chosen, three over the rest of the grid, one while measuring."""


class Line(NamedTuple):
    seconds: float
    event: str
    bucket: str
    tokens: int


def started(folder, log):
    """Start a run; its compilation cache is a copy, as a kill may leave half an entry there, of which JAX warns."""
    cache = folder.parent / "cache"
    if not cache.exists() and machine.cache_folder().exists():
        shutil.copytree(machine.cache_folder(), cache)
    asked = [sys.executable, "-m", "tests.store.killed", str(folder), str(log)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TESTBED_CACHE": str(cache)}
    return subprocess.Popen(asked, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def lines(log):
    """The whole lines of a log."""
    text = log.read_text() if log.exists() else ""
    words = (line.split() for line in text[: text.rfind("\n") + 1].splitlines())
    return [Line(float(seconds), event, bucket, int(tokens)) for seconds, event, bucket, tokens in words]


def done(log):
    """Tokens of all buckets that any life of the run has reached."""
    reached = {}
    for line in lines(log):
        reached[line.bucket] = max(reached.get(line.bucket, 0), line.tokens)
    return sum(reached.values())


def killed_once(folder, log, ready):
    """Start the run, kill it at a random moment within 0.3 s of ``ready``, and return what this life logged."""
    before, process = len(lines(log)), started(folder, log)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready(lines(log)[before:]):
        assert process.poll() is None, f"the run ended before its kill: {process.stderr.read()}"
        assert time.monotonic() < deadline, "the run did not get as far as its kill"
        time.sleep(0.02)
    time.sleep(MOMENTS.uniform(0, 0.3))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run was over before it was killed"
    return lines(log)[before:]


def finish(folder, log):
    before, process = len(lines(log)), started(folder, log)
    _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, told
    return lines(log)[before:]


def tokens_of(cells):
    return sum(cell.horizon * cell.optimiser.batch * cell.model.context for cell in cells)


def told(path):
    """What a JSON file of a run says, the time of the declarations apart."""
    read = json.loads(path.read_text())
    return [{**line, "declared_at": None} for line in read] if isinstance(read, list) else read


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder / "run", finish(folder / "run", folder / "log")


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory):
    """The folder, and what each of the six lives of its run logged."""
    folder = tmp_path_factory.mktemp("disturbed")
    run, log = folder / "run", folder / "log"
    pilots = tokens_of(EXPERIMENT.pilot_cells())
    everything = pilots + tokens_of(EXPERIMENT.main_cells(dict.fromkeys(EXPERIMENT.tuned(), 0.01)))
    rest = [pilots + (everything - pilots) * (third + MOMENTS.uniform(0.1, 0.8)) / 3 for third in range(3)]
    moments = [pilots * MOMENTS.uniform(0.1, 0.9), *rest]
    lives = [killed_once(run, log, lambda _, tokens=tokens: done(log) >= tokens) for tokens in moments]
    lives.append(killed_once(run, log, lambda life: any(line.event == "measured" for line in life)))
    return run, [*lives, finish(run, log)]


def test_the_end_is_that_of_an_undisturbed_run(undisturbed, disturbed):
    """To the last bit: chunks and kills change neither the program nor the order of its sums."""
    (run, _), (other, lives) = undisturbed, disturbed
    assert len(lives) == 6
    assert lives[-1][-1].event == "over"
    assert same_tables(run, other)
    assert same_parameters(run, other)
    for name in ("ledger.json", "checks.json", "truth.json"):
        assert told(run / name) == told(other / name), name


def test_the_kills_fell_all_over_the_run(disturbed):
    _, lives = disturbed
    ends = [life[-1].event for life in lives]
    assert ends[4] == "measured"
    assert set(ends[:4]) <= {"begun", "resumed", "trained", "saved"}
    assert len({life[-1].bucket for life in lives[:4]}) >= 3


def test_a_life_begins_where_the_last_one_saved(disturbed):
    """Every bucket carries on at its last snapshot: nothing saved is trained again, nothing is skipped."""
    _, lives = disturbed
    saved = {}
    for life in lives:
        for line, after in itertools.pairwise(life):
            if line.event == "begun":
                assert (after.tokens if after.event == "resumed" else 0) == saved.get(line.bucket, 0)
        saved |= {line.bucket: line.tokens for line in life if line.event == "saved"}


def test_a_kill_loses_at_most_an_interval_and_the_work_in_hand(disturbed):
    """A snapshot is saved at once when the interval has passed, or else one step to a checkpoint's goal later.

    So after the last snapshot, at most two returns to the host may be overdue. No clock of the test's own says this:
    a busy machine would upset it.
    """
    _, lives = disturbed
    for life in lives:
        since, overdue = 0.0, 0
        for line in life:
            if line.event == "trained":
                overdue += line.seconds - since > INTERVAL_SECONDS + 0.02
                assert overdue <= 2, line
            else:
                since, overdue = line.seconds, 0


def test_what_kills_cost_is_small(undisturbed, disturbed):
    (_, life), (_, lives) = undisturbed, disturbed
    retrained = sum(map(trained, lives)) - trained(life)
    assert trained(life) == EXPERIMENT_TOKENS
    assert retrained >= 0
    assert retrained < 0.35 * EXPERIMENT_TOKENS, "five kills cost more than a third of the run"


def trained(life):
    """Tokens that this life trained."""
    total, last = 0, {}
    for line in life:
        if line.event == "trained":
            total += line.tokens - last.get(line.bucket, 0)
        last[line.bucket] = line.tokens
    return total


EXPERIMENT_TOKENS = tokens_of(EXPERIMENT.pilot_cells()) + tokens_of(
    EXPERIMENT.main_cells(dict.fromkeys(EXPERIMENT.tuned(), 0.01))
)


def test_nothing_damaged_or_needed_is_left_behind(disturbed):
    run, _ = disturbed
    assert len(Store.existing(run).cells()) == EXPERIMENT.cell_count
    assert not list((run / "snapshots").glob("*.parquet"))
    for path in run.rglob(".unfinished-*"):
        path.unlink()
    assert len(Store.existing(run).cells()) == EXPERIMENT.cell_count
