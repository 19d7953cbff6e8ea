"""A run that is finished, and a copy of it to spoil."""

import shutil
from pathlib import Path

import pytest

from testbed import cli
from tests.cli.common import FILE


@pytest.fixture(scope="package")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "finished"
    assert cli.main(["run", FILE, "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))
