"""Every test runs with shapes checked at run time, strict promotion, and warnings as errors."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the threads of one worker would wait for those of the others
os.environ.setdefault("TESTBED_CACHE", os.path.join(tempfile.gettempdir(), "testbed-test-cache"))

import jax
import jaxtyping

jaxtyping.install_import_hook("testbed", "beartype.beartype")

from testbed.store import machine  # noqa: E402 - after the hook

machine.keep_compilations()
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

collect_ignore = ["extension", "shared/outside.py"]


def pytest_addoption(parser):
    parser.addoption("--fast", action="store_true", help="one example of every law, and none that long.txt names")


def pytest_collection_modifyitems(config, items):
    """With --fast, keep the first example of each law, and leave out those that take long."""
    if not config.getoption("--fast"):
        return
    seen = set((Path(__file__).parent / "shared" / "long.txt").read_text().split())
    kept, left = [], []
    for item in items:
        law = item.nodeid.split("[")[0]
        (left if law in seen else kept).append(item)
        seen.add(law)
    config.hook.pytest_deselected(items=left)
    items[:] = kept
