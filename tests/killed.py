"""A run that can be killed: trains long enough, saves often, and logs what it does line by line.

Arguments: folder, log. Lines: seconds (monotonic, of the machine), event, bucket, number; events: "trained" and
"resumed" (tokens of the bucket done so far), "due" (the interval has passed), "saving" and "saved" (its step),
"measuring", "judged".
"""

import sys
import time
from pathlib import Path

from testbed import pipeline
from testbed.console import Console
from testbed.spec import Evaluation, Grid, Training
from testbed.store import Snapshot
from testbed.train import buckets
from tests.presets import JUDGED

INTERVAL_SECONDS = 0.3
STEPS = 1024

EXPERIMENT = __import__("msgspec").structs.replace(
    JUDGED,
    grid=Grid(multiples=(1, 2), tokens=(64, 256), replicates=2),
    training=Training(steps=STEPS, learning_rates=(0.01, 0.03)),
    evaluation=Evaluation(sequences=8, checkpoints=5),
)
