"""The transformation laws that a tensor inside a layer may obey, and their fit to recorded values.

Nothing declares how a value between two operations transforms. A law is one form: unchanged, an irrep on an axis, a
point, a permutation, and so on. `matching` tries the forms that a shape allows on the values of several runs.

`localization` asks which values obey a law; `inference` turns laws into representations. This package does not run the
module.
"""
