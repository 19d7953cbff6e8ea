"""Finite hidden Markov machines: their beliefs, spectra, filters, and rates from finitely many beliefs."""
