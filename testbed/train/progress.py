"""What is told of training as it goes on: what is compiled, how far it is, at what rate."""

import time

from testbed.terminal.display import Display
from testbed.train.plan import Bucket


class Watch:
    """Tells a display of the training of a bucket."""

    def __init__(self, shown: Display) -> None:
        """Begin with no token."""
        self.shown, self.tokens, self.began = shown, 0, time.monotonic()

    def compiling(self, bucket: Bucket, what: str) -> None:
        """Say that a program of a bucket is called for the first time, which takes long."""
        self.shown.stage(f"{title(bucket)}: compiling {what}")

    def advance(self, bucket: Bucket, tokens: int, *, trained: bool) -> None:
        """Take note of tokens, and of whether they were trained now or by an earlier process."""
        self.tokens += tokens if trained else 0
        pace = self.tokens / max(time.monotonic() - self.began, 1e-9)
        rate = "" if not self.tokens else f"{pace / 1e3:.0f}k tokens/s" if pace >= 1e4 else f"{pace:.0f} tokens/s"
        self.shown.advance(bucket.work * tokens / bucket.tokens, title(bucket), rate=rate, now=trained)


def title(bucket: Bucket) -> str:
    """Return the width of a bucket's model, and how many runs it has."""
    return f"width {bucket.cells[0].model.width}, {len(bucket.cells)} runs"
