"""Verdicts over many seeds: small sound and broken networks, the verdicts that are right, and a page of results.

`python -m benchmarks.verdicts` diagnoses every network with every seed, nothing declared, and writes
docs/results/verdicts.md. It measures no time.
"""
