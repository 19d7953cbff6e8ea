"""Emergence of a capability: where it appears, how abruptly, whether alike everywhere, what foretells it, its cost."""
