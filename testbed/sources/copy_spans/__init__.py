"""Copied spans: episodes of a random span, a gap, and the same span again."""

from testbed.sources.copy_spans.source import CopySpans

__all__ = ["CopySpans"]
