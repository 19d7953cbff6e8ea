"""What learns: a causal decoder whose every assumption is a switch."""
