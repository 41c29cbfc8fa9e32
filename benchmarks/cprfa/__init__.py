"""Measures on which motions the kernels of CPRFA depend, and which can be computed from them without training."""
