"""The planted-defect benchmark: ``python -m benchmarks.defects``."""
