"""Who runs the tasks of a stage: this process, one after the other."""

from collections.abc import Sequence

from testbed.ground.options import Options
from testbed.store import Store
from testbed.study import Task
from testbed.terminal.console import Console


def run(name: str, tasks: Sequence[Task], store: Store, options: Options, console: Console) -> None:
    """Do the tasks of the stage called ``name``, and show how far they have come."""
    if tasks:
        with console.progress(name, sum(task.work for task in tasks)) as shown:
            for task in tasks:
                try:
                    task.run(store, options, shown)
                except Exception as error:
                    error.add_note(f"while {name}: {task.words} ({task.digest})")
                    raise
