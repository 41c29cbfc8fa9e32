"""Mutants of real libraries: ``python -m benchmarks.mutants``.

One statement of a library from the package index is changed on its syntax tree, at a place that a seed chooses.
`plain` decides if the changed module breaks a symmetry that it claims. The harness, to which nothing is declared, must
then name the layer and the statement. The page is docs/results/mutants.md.
"""
