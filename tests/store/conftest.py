"""A store that is new."""

import pytest

from testbed.store import Store


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "run", b"{}", lambda saved: None)
