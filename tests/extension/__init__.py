"""A package outside testbed that adds a world, an attention, a measure and a kind of question: four files."""
