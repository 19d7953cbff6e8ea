"""The library's face: wrong values are one sentence, and a run says what it holds."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import testbed
from testbed.judging import check_claims
from testbed.verdict import Claim
from tests.presets import JUDGED
from tests.small_study import STUDY

ROOT = Path(__file__).parents[1]


WRONG = {
    "truth('markov', 16)": "world=markov: must be a world",
    "truth(COIN, '16')": "length=16: must be a whole number",
    "truth(COIN, 16, 5)": "budget=5: must be a Budget",
    "run('bias_variance', 'run')": "study=bias_variance: must be a GridStudy",
    "run(JUDGED, 'run', options={})": "options={}: must be Options",
    "run(JUDGED, None)": "folder=None: must be a path",
}


def test_a_value_of_another_kind_is_refused_before_any_work(tmp_path):
    """In a process of its own, where no hook of the tests checks types first."""
    script = (
        "import sys, testbed; from testbed import run, truth; from testbed.sources import Iid\n"
        "from tests.presets import JUDGED; COIN = Iid(vocabulary=2)\n"
        "for call in sys.argv[1:]:\n"
        "    try: eval(call)\n"
        "    except ValueError as refusal: print(refusal)\n"
    )
    asked, environment = [sys.executable, "-c", script, *WRONG], os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(asked, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line, told in zip(done.stdout.splitlines(), WRONG.values(), strict=True):
        assert line.startswith(told)
    assert not list(tmp_path.iterdir())


def test_parameters_are_those_of_models(tmp_path):
    """Parts of a study of noise hold what was seen, or a model; what is asked for is told apart."""
    run = testbed.run(STUDY, tmp_path / "run")
    trained = set(run.tables["trained"]["digest"])
    assert trained and trained < set(run.digests)
    for digest in run.digests:
        if digest in trained:
            assert all("blocks" in name or "_" in name for name in run.parameters(digest))
        else:
            with pytest.raises(ValueError, match="it holds what was seen of a model; table `trained`"):
                run.parameters(digest)
    with pytest.raises(ValueError, match="the run has no part of this name"):
        run.parameters("x")


def test_a_claim_about_a_part_of_a_grid_is_refused():
    claim = Claim(
        id="c", sentence="s", section="s", quantity="lowest_excess", low=0.0, high=None, level=0.9, about="no/such/arm"
    )
    with pytest.raises(ValueError, match=r"claim c: about='no/such/arm': .*leave about out"):
        check_claims(msgspec.structs.replace(JUDGED, claims=(claim,)))
