"""How far predictions are from the Bayes predictive: divergences, the exact split, regrets, the shared windows."""
