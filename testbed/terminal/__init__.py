"""What a person sees of a run: sentences, tables, and how far work has come."""
