"""What the central limit theorem predicts for an arm with the parameters at hand."""
