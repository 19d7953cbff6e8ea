"""testbed: measures claims about language-model scaling on worlds whose entropy is known exactly.

`run` a study, `open` a folder that a run left, ask for the `truth` of a world; a `Run` has verdicts and tables.
"""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testbed.results import Run, open, run, truth

__all__ = ["Run", "open", "run", "truth"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Return a name of the face when it is first asked for, so that a command loads only what it needs."""
    if name in __all__:
        from testbed import results

        return getattr(results, name)
    raise AttributeError(f"module 'testbed' has no attribute {name!r}")
