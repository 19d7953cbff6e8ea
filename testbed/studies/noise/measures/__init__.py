"""What is seen at a point: sums and projections of its sequences, their shape, the assumptions as measured."""
