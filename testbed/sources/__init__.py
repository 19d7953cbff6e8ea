"""Worlds whose entropy is known exactly: one file per kind of source."""

from testbed.sources import _any
from testbed.sources._machine import Machine
from testbed.sources._source import Source
from testbed.sources._truth import Absent, Budget, Mixing, Quantity, Truth
from testbed.sources.block_stationary import BlockStationary
from testbed.sources.copy_spans import CopySpans
from testbed.sources.dirichlet_blocks import DirichletBlocks
from testbed.sources.facts import Facts
from testbed.sources.grammar import Grammar
from testbed.sources.hidden_markov import HiddenMarkov
from testbed.sources.iid import Iid
from testbed.sources.in_context_markov import InContextMarkov
from testbed.sources.inflated import Inflated
from testbed.sources.markov import Markov
from testbed.sources.mixture import Mixture
from testbed.sources.noisy import Noisy
from testbed.sources.one_regime import OneRegime
from testbed.sources.polya import Polya
from testbed.sources.quanta import Quanta
from testbed.sources.time_reversed import TimeReversed

__all__ = [
    "Absent",
    "AnySource",
    "BlockStationary",
    "Budget",
    "CopySpans",
    "DirichletBlocks",
    "Facts",
    "Grammar",
    "HiddenMarkov",
    "Iid",
    "InContextMarkov",
    "Inflated",
    "Machine",
    "Markov",
    "Mixing",
    "Mixture",
    "Noisy",
    "OneRegime",
    "Polya",
    "Quanta",
    "Quantity",
    "Source",
    "TimeReversed",
    "Truth",
]

AnySource = _any.AnySource
