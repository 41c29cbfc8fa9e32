"""The transformation laws that an inner tensor may obey, and their fit to recorded values.

Between two layers nobody declares how a value transforms. A law is one form (unchanged, an irrep on an axis, a point,
a permutation, ...); the matcher tries all forms that a shape allows on pairs of runs. Localization asks which value
obeys a law, inference turns laws into representations. Nothing here runs the module.
"""
