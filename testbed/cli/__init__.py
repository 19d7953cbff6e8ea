"""The command line: arguments in, exit status out; one file per command, entered only when it is named."""

from testbed.cli.entry import main

__all__ = ["main"]
