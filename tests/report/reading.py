"""What a page holds, for tests of both kinds of page: its figures, links, places, headings, formulas and scripts."""

import base64
import gzip
import html.parser
import json
import re

FILES = {
    "estimates.parquet", "loss_parts.parquet", "cells.parquet", "references.parquet", "ensemble_positions.parquet",
    "ensemble_split.parquet", "learning_curves.parquet", "compute.parquet",
    "truth.json", "ledger.json", "arms.parquet", "levels.parquet", "fits.parquet", "shapes.parquet", "joint.parquet",
    "assumed.parquet", "trained.parquet", "losses.parquet", "residuals.parquet", "simulations.parquet",
}  # fmt: skip


class Reader(html.parser.HTMLParser):
    """Collects what a page would load, where its links lead, its places, figures and scripts."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.files, self.places, self.scripts, self.alts = [], [], set(), [], [], []
        self.headings, self.payloads, self.library, self.inside, self.folds = [], [], "", ("", {}), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.inside = (tag, named)
        self.scripts += [""] if tag == "script" else []
        self.headings += [named.get("id")] if tag == "h2" else []
        self.alts += [named.get("aria-label")] if "plot" in (named.get("class") or "").split() else []
        self.folds += ["open" in named] if tag == "details" else []
        self.loads += [tag] if tag in ("link", "iframe", "object", "embed", "base", "form", "img") else []
        for name, value in attrs:
            self.places += [value] if name == "id" else []
            if name == "href" and tag == "a":
                self._link(value)
            elif name in ("src", "href", "srcset", "action", "data", "background", "poster"):
                self.loads.append(value)

    def handle_endtag(self, tag):
        self.inside = ("", {})

    def _link(self, value):
        if value.startswith("#"):
            self.links.append(value[1:])
        else:
            self.files.add(value)

    def handle_data(self, data):
        tag, named = self.inside
        if tag == "script":
            self.scripts[-1] += data
            if named.get("type") == "application/json":
                self.payloads.append(json.loads(data))
            if named.get("id") == "plotly":
                self.library = gzip.decompress(base64.b64decode(data)).decode()


def check_page(text):
    """A page loads nothing, its links lead somewhere, each figure is said in words, and each heading is in contents."""
    found = Reader(text)
    assert found.loads == [] and "default-src 'none'" in text
    assert not re.search(r"https?:|@import|url\(", text), "nothing lies elsewhere"
    assert found.links and set(found.links) <= set(found.places) and len(found.places) == len(set(found.places))
    assert found.files and found.files <= FILES
    assert set(filter(None, found.headings)) <= set(found.links)
    assert len(found.alts) == len(found.payloads) and all(len(alt) > 20 for alt in found.alts)
    assert "<noscript>" in text and "prefers-color-scheme: dark" in text and "<math>" in text
    from plotly.offline import get_plotlyjs

    assert found.library == get_plotlyjs()
    return found
