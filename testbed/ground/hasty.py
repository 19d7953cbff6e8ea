"""Programs that run once, or a few times, for which compiling costs more than running."""

import functools
from collections.abc import Callable
from typing import Any

import jax


def options(level: int) -> dict[str, Any] | None:
    """Return the compiler's options that ask for optimisation 0 to 3 on a CPU, and none elsewhere.

    At 1 the programs that observe noise compile in half the time and run as fast; at 0 they compile in a sixth and run
    three times slower. The fusion emitters are left out, as they take longer to compile than what they save here.
    """
    if jax.default_backend() != "cpu":
        return None
    return {"xla_backend_optimization_level": level, "xla_cpu_use_fusion_emitters": False}


def once(function: Callable[..., Any], *, static: tuple[int, ...] = ()) -> Callable[..., Any]:
    """Return a function compiled without optimisation where the device is a CPU, and as any other elsewhere.

    There a program of some hundred operations compiles several times sooner and runs a few times slower. Arguments at
    the ``static`` places are part of the program.

    >>> int(once(lambda x: x + 1)(2))
    3
    """

    @functools.cache
    def program() -> Callable[..., Any]:
        compiled: Callable[..., Any] = jax.jit(function, static_argnums=static, compiler_options=options(0))
        return compiled

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return program()(*arguments)

    return call
