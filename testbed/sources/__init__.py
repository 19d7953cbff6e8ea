"""Worlds whose entropy is known exactly: one file per kind of source."""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Budget, Mixing, Quantity, Truth
from testbed.laws.source import Source
from testbed.sources import _any
from testbed.sources.block_stationary.source import BlockStationary
from testbed.sources.copy_spans.source import CopySpans
from testbed.sources.dirichlet_blocks.source import DirichletBlocks
from testbed.sources.facts.source import Facts
from testbed.sources.grammar.source import Grammar
from testbed.sources.hidden_markov.source import HiddenMarkov
from testbed.sources.iid import Iid
from testbed.sources.in_context_markov.source import InContextMarkov
from testbed.sources.inflated import Inflated
from testbed.sources.markov.source import Markov
from testbed.sources.mixture.source import Mixture
from testbed.sources.noisy.source import Noisy
from testbed.sources.one_regime.source import OneRegime
from testbed.sources.polya import Polya
from testbed.sources.quanta.source import Quanta
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
