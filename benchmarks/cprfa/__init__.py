"""What the kernels of CPRFA depend on, and what can be computed from them without training."""
