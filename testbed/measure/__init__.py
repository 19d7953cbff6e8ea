"""From what was observed to estimates: the three parts of the loss, the exact identity, the checks of a run."""
