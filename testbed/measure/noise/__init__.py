"""The noise of hidden representations: what is observed of it, what theory says, and what claims can be about."""
