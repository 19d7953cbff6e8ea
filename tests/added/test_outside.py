"""Law: what another package adds is taken as it is, or refused with its file named; it takes no name that is taken."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from testbed.ground import catalog
from testbed.laws.entropies import of_machine
from testbed.laws.machines import finite
from testbed.sources import Budget, Iid

ROOT = Path(__file__).parents[2]
TURNING = (ROOT / "tests" / "extension" / "testbed" / "sources" / "turning.py").read_text()
MEASURE = """from testbed.studies.grid.measures import Measure


class Mine(Measure):
    estimates = {"lowest_excess": lambda analysis, level: "mine"}

    @staticmethod
    def observe(pairs):
        return []
"""
SWISH = """from testbed.ground.checked import Checked


class Swish(Checked, frozen=True):
    lipschitz = 1.1

    def __call__(self, x_LF):
        return x_LF
"""
LACKING = "\n".join(line.replace("def machine", "def engine") for line in TURNING.splitlines())
WRONG = {
    "sources/turning.py": {
        "x = (\n": "turning.py cannot be loaded (SyntaxError",
        "Turned = 1\n": "turning.py does not define the class Turning",
        LACKING: "turning.py: Turning lacks machine",
    },
    "sources/markov.py": {TURNING.replace("Turning", "Markov"): "markov stands in"},
    "studies/grid/measures/mine.py": {MEASURE: "measure mine: lowest_excess is another estimate already"},
    "model/feedforward/swish.py": {SWISH: 'Swish is not tagged by its name, by which JSON knows it; give its class'},
}  # fmt: skip


def listed(folder, *words):
    """What the command line says where a folder is on Python's path."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
    asked = [sys.executable, "-m", "testbed", *(words or ("list",))]
    return subprocess.run(asked, env=environment, cwd=folder, capture_output=True, text=True, check=False)


def put(folder, place, text):
    path = folder / "testbed" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("place", "text", "told"),
    [(place, text, told) for place, each in WRONG.items() for text, told in each.items()],
    ids=lambda each: each[:30] if each.endswith(".py") else "",
)
def test_what_is_wrong_with_a_file_is_said_of_that_file(tmp_path, place, text, told):
    put(tmp_path, place, text)
    done = listed(tmp_path)
    assert done.returncode == 2 and told in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1 and "a fault of testbed" not in done.stderr


def test_another_copy_of_testbed_on_the_path_adds_nothing(tmp_path):
    put(tmp_path, "__init__.py", "")
    put(tmp_path, "sources/__init__.py", "")
    put(tmp_path, "sources/turning.py", TURNING)
    assert catalog.extended([str(ROOT / "testbed")], "testbed") == [str(ROOT / "testbed")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(tmp_path)))}
    asked = [sys.executable, "-m", "testbed", "list"]
    done = subprocess.run(asked, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "turning" not in done.stdout


def test_a_run_whose_package_is_away_is_sound_and_says_what_it_needs(tmp_path):
    """Its kind, or its world, is on no shelf here: nothing is called damaged, and nothing is to be removed."""
    script = (
        "import sys, testbed; from testbed.sources.turning import Turning;"
        "from testbed.studies.windows import WindowsStudy; import msgspec;"
        "from tests.shared.small import EXPERIMENT;"
        "testbed.run(WindowsStudy(name='w', question='q', world=Turning(vocabulary=4)), sys.argv[1] + '/kind');"
        "world = Turning(vocabulary=EXPERIMENT.model.vocabulary);"
        "from testbed.store import Store;"
        "Store.open(__import__('pathlib').Path(sys.argv[1], 'world'), msgspec.structs.replace(EXPERIMENT, world=world)"
        ".pretty(), lambda saved: None)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "tests" / "extension"), str(ROOT)))}
    made = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    for name, kind in (("kind", "windows"), ("world", "turning")):
        before = (tmp_path / name / "spec.json").read_bytes()
        done = listed(tmp_path, "report", str(tmp_path / name))
        assert done.returncode == 2 and "it is sound" in done.stderr and f"'{kind}'" in done.stderr
        assert "Python's path" in done.stderr and "damaged" not in done.stderr and "remove" not in done.stderr
        assert (tmp_path / name / "spec.json").read_bytes() == before


def rows(scale=1.0):
    """T[x, s, s'] of two states, each of which tells itself, with rows of this sum."""
    chain_SS = scale * np.array([[0.9, 0.1], [0.3, 0.7]])
    return np.eye(2)[:, None, :] * chain_SS[None]


LAW = np.array([0.75, 0.25])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((rows(1.5), LAW, LAW), "what leaves state 0 has the sum 1.5"),
        ((rows(), LAW, 2 * LAW), "its law in the long run has the sum 2"),
        ((rows(), LAW / 2, LAW), "the first law of the state has the sum 0.5"),
        ((rows(), np.array([1.5, -0.5]), LAW), "least probability is -0.5"),
    ],
)
def test_a_machine_that_is_no_law_is_refused(given, told):
    assert finite.from_matrices(rows(), LAW, LAW).symbols == 2
    with pytest.raises(ValueError, match=told):
        finite.from_matrices(*given)


def test_a_law_in_the_long_run_that_does_not_stay_has_no_truth(monkeypatch):
    wrong = finite.from_matrices(rows(), LAW, np.array([0.5, 0.5]))
    monkeypatch.setattr(Iid, "machine", lambda self: wrong)
    with pytest.raises(ValueError, match=r"in the long run changes by 0\.\d+ with a token"):
        of_machine.truth(Iid(vocabulary=2), 4, Budget())
