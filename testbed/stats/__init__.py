"""Estimates, intervals and fits in float64; nothing here knows what a model or a source is."""
