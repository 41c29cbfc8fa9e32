"""Infers undeclared representations from runs of the module.

`inputs_by_trial` decides inputs, `outputs` the values that a callable returns, and `layers` the arguments and outputs
of inner layers. Candidates are tried on a few group elements. The candidate that holds, or is nearest, is taken, and
the report says so.

Called by `diagnosis` before an examination. Uses `measurement` to run the module and `laws` to match values.
It does not guess from names and shapes (`contracts`), and does not search causes.
"""
