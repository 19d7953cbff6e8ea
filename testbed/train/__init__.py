"""Training: cells become buckets of one program each, whose lanes differ in numbers only."""
