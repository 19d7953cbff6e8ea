"""Emergence of a capability: where it appears, how abruptly, whether everywhere alike, what foretells it, what it costs."""
