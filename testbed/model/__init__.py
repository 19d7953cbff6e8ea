"""What learns: a causal decoder whose every assumption is a switch."""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)
