"""Every test runs with shapes checked at run time, strict promotion, and warnings as errors."""

import os
import tempfile

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the threads of one worker would wait for those of the others
os.environ.setdefault("TESTBED_CACHE", os.path.join(tempfile.gettempdir(), "testbed-test-cache"))

import jax
import jaxtyping

jaxtyping.install_import_hook("testbed", "beartype.beartype")

from testbed import machine  # noqa: E402 - after the hook

machine.keep_compilations()
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
