"""A page of planted tables."""

import pytest

from testbed.studies.noise.page.content import render
from tests.studies.noise import page_tables


@pytest.fixture(scope="session")
def page():
    return page_tables.page(count=100)


@pytest.fixture(scope="session")
def text(page):
    return render(page)
