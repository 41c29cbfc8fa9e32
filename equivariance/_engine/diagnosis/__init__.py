"""One diagnosis from the arguments to the outcome.

`request` fills in what was left undeclared, `examine` runs the sanity checks, surveys each symmetry, and makes
findings of what localization and the causes say. The public functions of `equivariance.api` and the command line
call this. Nothing is printed here.
"""
