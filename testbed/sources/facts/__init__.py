"""Facts: a fixed table of associations, from keys of Zipf's law to answers."""

from testbed.sources.facts.source import Facts

__all__ = ["Facts"]
