"""Laws of tokens and what they imply, exactly: float64 numpy that knows no world."""
