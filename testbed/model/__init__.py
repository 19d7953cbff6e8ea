"""What learns: a causal decoder whose every assumption is a switch."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
