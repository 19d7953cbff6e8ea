"""Entropies of windows, with method and error: enumerated, walked, solved or sampled."""
