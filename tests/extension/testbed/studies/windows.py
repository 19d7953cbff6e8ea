"""A question of another kind, in two stages and without training: what is a longer window worth in a world?"""

from dataclasses import dataclass

import pandas as pd

from testbed.ground import catalog
from testbed.sources import AnySource
from testbed.stats.estimate import Estimate
from testbed.store import StoreError
from testbed.study import Stage, Study
from testbed.verdict import Check


@dataclass(frozen=True)
class Entropy:
    """The task of computing the entropies of one window; its part is a JSON file."""

    study: "WindowsStudy"
    length: int
    work: float = 1.0

    @property
    def digest(self):
        return f"truth-{self.length}.json"

    @property
    def words(self):
        return f"n = {self.length}"

    def run(self, store, options, shown):
        store.write_json(
            self.digest, {"low": (found := self.study.world.truth(self.length).epsilon).low, "high": found.high}
        )
        shown.advance(self.work, self.words)


@dataclass(frozen=True)
class Table:
    """The task of gathering them."""

    study: "WindowsStudy"
    digest: str = "entropies.parquet"
    words: str = "the table"
    work: float = 1.0

    def run(self, store, options, shown):
        found = [store.read_json(each.digest, dict[str, float]) for each in self.study.entropies()]
        store.write_frame(self.digest, pd.DataFrame(found).assign(n=self.study.lengths))
        shown.advance(self.work, self.words)


def gain(analysis: pd.DataFrame, level: float) -> Estimate | str:
    """Return ε of the shortest window less that of the longest, in nats per token."""
    first, last = analysis.iloc[0], analysis.iloc[-1]
    low, high = float(first.low - last.high), float(first.high - last.low)
    return Estimate(value=(low + high) / 2, low=low, high=high, level=level, n=len(analysis), method="certified")


class WindowsStudy(Study, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """Entropies of windows of several lengths."""

    world: AnySource
    """Law of the tokens."""
    lengths: tuple[int, ...] = (1, 4, 16)
    """Lengths n."""

    tables = ("windows.parquet",)

    def entropies(self):
        return [Entropy(self, length) for length in self.lengths]

    def stages(self):
        return (
            Stage("computing", lambda store, _: [each for each in self.entropies() if not store.holds(each.digest)]),
            Stage("gathering", lambda store, _: [] if store.holds("entropies.parquet") else [Table(self)]),
        )

    @classmethod
    def estimates(cls):
        return {"window_gain": gain}

    def analysis(self, store):
        if not store.holds("entropies.parquet"):
            raise StoreError(f"{store.folder} is not finished: judging needs every window; run it to its end.")
        return store.read_frame("entropies.parquet", ("n", "low", "high"))

    def checks(self, analysis):
        falls = bool((analysis["low"].diff().dropna() <= 1e-12).all())
        return [Check(name="longer is no worse", passed=falls, sentence="ε never rises with n.")]

    def derived(self, analysis, checks):
        return {"windows.parquet": analysis.assign(gain=analysis["high"].iloc[0] - analysis["low"])}
