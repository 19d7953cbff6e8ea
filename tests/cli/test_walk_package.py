"""Law: what `pip install` brings runs by name from any folder, experiments included; a file that is there wins."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from testbed import cli
from testbed.cli.experiments import located, shipped

ROOT = Path(__file__).parents[2]
EXPERIMENTS = {path.stem: path for path in (ROOT / "experiments").glob("[!_]*.py")}


def called(*words, package, folder):
    """Run `python -m testbed` on a package, in a folder."""
    environment = os.environ | {"PYTHONPATH": str(package)}
    words = [sys.executable, "-m", "testbed", *words]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def test_a_wheel_holds_the_package_and_the_experiments(installed):
    held = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    own = {path.relative_to(ROOT) for path in (ROOT / "testbed").rglob("*") if path.suffix in (".py", ".html")}
    assert own <= held
    assert {Path("testbed/experiments") / path.name for path in EXPERIMENTS.values()} <= held
    assert {path.parts[0] for path in held} == {"testbed", *(path.name for path in installed.glob("testbed-*"))}


def test_an_installed_experiment_is_found_from_any_folder(installed, tmp_path):
    status, out, err = called("run", "clt_mixing", "--help", package=installed, folder=tmp_path)
    assert (status, err) == (0, "")
    assert "--arms JSON" in out and "uniform λ=0.9" in out
    status, _, err = called("run", "clt_mixin", package=installed, folder=tmp_path)
    assert status == 2 and "clt_mixing" in err
    assert not list(tmp_path.iterdir())


def test_an_editable_install_reads_both_folders_where_they_are(tmp_path):
    script = f"from hatchling import build; print(build.build_editable({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert not [name for name in packed.namelist() if name.endswith(".py")]
        (path,) = [name for name in packed.namelist() if name.endswith(".pth")]
        assert packed.read(path).decode() == str(ROOT)


def test_a_checkout_ships_the_experiments_of_its_top_folder():
    assert shipped() == EXPERIMENTS and len(EXPERIMENTS) >= 5


def test_python_m_testbed_is_testbed(tmp_path):
    status, out, _ = called("--version", package=ROOT, folder=tmp_path)
    assert (status, out.split()[0]) == (0, "testbed")
    assert called("truth", "nowhere", package=ROOT, folder=tmp_path)[0] == 2


def test_a_file_that_is_there_wins_over_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert located("bias_variance") == located("bias_variance.py") == EXPERIMENTS["bias_variance"]
    (tmp_path / "bias_variance.py").write_text("PRESETS = {}\n")
    assert located("bias_variance.py") == Path("bias_variance.py")
    (tmp_path / "clt_noise").mkdir()  # such as a folder of runs
    assert located("clt_noise") == EXPERIMENTS["clt_noise"]


@pytest.mark.parametrize(
    ("word", "remedy"), [("experiments/bias_variance.py", "say bias_variance"), ("no/such.py", "one of bias_variance")]
)
def test_what_is_no_file_is_refused_with_a_name_that_works(word, remedy, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", word]) == 2
    told = capsys.readouterr().err
    assert word in told and remedy in told
    assert cli.main(["run", "bias_variance", "--help"]) == 0


def test_the_list_names_them_with_their_presets(tmp_path, monkeypatch, capsys):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "own.py").write_text((ROOT / "tests" / "presets.py").read_text())
    (tmp_path / "experiments" / "_pieces.py").write_text("WORLD = 3\n")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in EXPERIMENTS:
        assert any(line.split() == [name, "presets:", "quick,", "standard"] for line in lines)
    assert any(line.split() == ["experiments/own.py", "presets:", "quick,", "other,", "unknown"] for line in lines)
    assert not any("_pieces" in line for line in lines)
