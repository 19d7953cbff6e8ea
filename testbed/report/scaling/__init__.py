"""Fitted scaling laws as JSON, as tables on a terminal, and as a figure."""
