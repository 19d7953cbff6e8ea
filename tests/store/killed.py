"""A run that may be killed at any moment: trains for some seconds, saves often, and logs what it does.

Called with the folder of the run and the log. A line of the log is: seconds, event, bucket, tokens of the bucket done
so far. Events: "begun", "resumed", "trained", "saved" about a bucket; "measured" an ensemble; "over".
"""

import os
import sys
import time
from pathlib import Path

import msgspec

from testbed import pipeline
from testbed.ground.options import Options
from testbed.measure import geometric
from testbed.studies.grid.layout import Training
from testbed.terminal.console import Console
from testbed.train import buckets
from tests.presets import JUDGED

INTERVAL_SECONDS = 0.3
EXPERIMENT = msgspec.structs.replace(JUDGED, training=Training(steps=3072, ratio=2, learning_rates=(0.01, 0.03)))


def main(folder, log):
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def say(event, bucket="-", tokens=0):
        os.write(handle, f"{time.monotonic():.4f} {event} {bucket} {tokens}\n".encode())

    train, decompose = buckets.train, geometric.decompose

    def watched(bucket, *arguments, snapshots, progress, **named):
        name, done = bucket.digest[:8], 0

        def told(tokens, trained):
            nonlocal done
            done += tokens
            say("trained" if trained else "resumed", name, done)
            progress(tokens, trained)

        class Watched:
            load = snapshots.load

            def save(self, arrays):
                snapshots.save(arrays)
                say("saved", name, done)

        say("begun", name)
        return train(bucket, *arguments, snapshots=Watched(), progress=told, **named)

    def measured(*arguments):
        say("measured")
        return decompose(*arguments)

    buckets.train, buckets._CHUNK_SECONDS, geometric.decompose = watched, 0.1, measured
    options = Options(checkpoint_seconds=INTERVAL_SECONDS)
    pipeline.run(EXPERIMENT, Path(folder), options, Console(quiet=True))
    say("over")


if __name__ == "__main__":
    main(*sys.argv[1:])
