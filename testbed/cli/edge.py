"""What ends a command, as one sentence and an exit status: a refusal, a lack of room, or a fault of testbed."""

import os
import sys
import tempfile
import traceback
from pathlib import Path

import testbed
from testbed.ground.wording import cut, printable, said, sentence

REFUSED, FAULT, INTERRUPTED = 2, 70, 130
"""Exit statuses; 0 is done."""

_PACKAGE = Path(testbed.__file__).parent
_SHOWN = "TESTBED_TRACEBACK"


def status(error: BaseException) -> int:
    """Say on standard error what ended a command; return its exit status.

    A refusal is a ValueError that testbed raises itself. Anything else that was not foreseen is a fault of testbed: its
    traceback goes to a file, or to standard error where the environment asks for it.
    """
    if isinstance(error, BrokenPipeError):  # whoever read standard output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, KeyboardInterrupt):
        return _say("interrupted; run the same command again to go on from the last snapshot.", INTERRUPTED)
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return _say("this needs more memory than there is; ask for less of it.", REFUSED)
    if isinstance(error, OSError):
        return _say(_of_files(error), REFUSED)
    if isinstance(error, ValueError) and _inside(_origin(error)):
        return _say(sentence(error), REFUSED)
    return _say(_of_testbed(error), FAULT)


def _say(words: str, code: int) -> int:
    print("testbed:", words, file=sys.stderr)
    return code


def _of_files(error: OSError) -> str:
    what = "a file or folder" if error.filename is None else str(error.filename)
    why = error.strerror or str(error)
    rule = "it must be there, readable, and on a disk with room where it is written"
    return sentence(f"{cut(printable(what), 160)}: {why}: {rule}; correct that, or name another.")


def _of_testbed(error: BaseException) -> str:
    """Return the sentence about a fault, once its traceback is where it says."""
    text = "".join(traceback.format_exception(error))
    if os.environ.get(_SHOWN):
        print(text, file=sys.stderr)
        kept = "the traceback is above"
    else:
        kept = _kept(text)
    told = cut(printable(said(error)), 100)
    return f"a fault of testbed, not of the request ({told}, at {_place(error)}): {kept}; please report it."


def _kept(text: str) -> str:
    """Return where the traceback is left."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="testbed-fault-", suffix=".txt", delete=False) as file:
            file.write(text)
    except OSError:
        return f"run it again with {_SHOWN}=1 to see the traceback"
    return f"the traceback is in {file.name}"


def _origin(error: BaseException) -> str:
    """Return the file of the innermost frame."""
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1].filename if frames else ""


def _inside(file: str) -> bool:
    return Path(file).is_relative_to(_PACKAGE)


def _place(error: BaseException) -> str:
    """Return the innermost line of testbed that the error passed through."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if _inside(frame.filename)]
    return f"{Path(ours[-1].filename).relative_to(_PACKAGE.parent)}:{ours[-1].lineno}" if ours else "an unknown place"
