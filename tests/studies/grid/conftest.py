"""A finished run, trained once; what is trained from now on; and a page of planted numbers."""

import shutil
from pathlib import Path

import pytest

from testbed.studies.grid.page.content import render
from testbed.train import buckets
from tests.presets import JUDGED
from tests.studies.grid import planted_page
from tests.studies.grid.common import ran


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    ran(JUDGED, folder)
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def trained(monkeypatch):
    """The cells that are trained from now on."""
    cells, train = [], buckets.train

    def spy(bucket, *arguments, **named):
        cells.extend(bucket.cells)
        return train(bucket, *arguments, **named)

    monkeypatch.setattr(buckets, "train", spy)
    return cells


@pytest.fixture(scope="session")
def page():
    return planted_page.page()


@pytest.fixture(scope="session")
def text(page):
    return render(page)
