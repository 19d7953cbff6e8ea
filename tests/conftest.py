"""Every test runs with shapes checked at run time, strict promotion, and warnings as errors."""

import os
import tempfile

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
    parser.addoption("--fast", action="store_true", help="one example of every law, and no law that takes long")


def pytest_collection_modifyitems(config, items):
    """With --fast, keep the first example of each law, and leave out what is marked long."""
    if not config.getoption("--fast"):
        return
    seen, kept, left = set(), [], []
    for item in items:
        law = item.nodeid.split("[")[0]
        quick = law not in seen and item.get_closest_marker("long") is None
        seen.add(law)
        (kept if quick else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept
