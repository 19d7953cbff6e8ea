"""What runs on the device for every world: random bits to symbols, filters in logs, blocks."""
