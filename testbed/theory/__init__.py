"""What the claims predict, from a world's exact quantities: float64 numpy, nothing fitted, nothing trained."""
