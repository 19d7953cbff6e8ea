"""Programs are forgotten after each module of tests, as they are many: a process may hold 65,530 pieces of memory."""

import jax
import pytest


@pytest.fixture(scope="module", autouse=True)
def programs():
    yield
    jax.clear_caches()
