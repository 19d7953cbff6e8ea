"""testbed: measures claims about language-model scaling on worlds whose entropy is known exactly."""

__version__ = "0.1.0"
