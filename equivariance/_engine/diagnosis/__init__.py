"""Runs one diagnosis, from the arguments to the outcome.

`request` fills in undeclared representations. `examine` runs the sanity checks and surveys each symmetry. `localizer`
turns violations into findings, with the statement from `localization` and the cause from `causes`. `gradients`
examines the gradients of a network.

Called by `equivariance.api`, and through it by the command line. Uses all other packages of the engine.
It prints nothing: reports are made of its outcome in `equivariance.report`.
"""
