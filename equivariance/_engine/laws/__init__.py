"""Matches the tensors inside a layer with transformation laws, from recorded values.

Values between two operations are undeclared. A law is the rule by which one of them transforms under one symmetry:
unchanged, an irrep on an axis, a point, a permutation. `forms` defines the laws, `candidates` lists the laws that a
shape allows, and `matching` tries them on the values of several runs.

Called by `localization`, to find values that obey a law, by `inference`, which makes representations from laws, and by
`causes`, for grids. It does not run the module.
"""
