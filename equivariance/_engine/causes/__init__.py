"""Finds out why a layer violates a symmetry, by experiments on the suspected call.

`explain` chooses the experiments; each symmetry has a module of them. `experiment` runs the suspect under other
elements, inputs and precisions. The result is an `Explanation`: a cause, the evidence and a remedy.

Called by `diagnosis.localizer` for every violation. Uses `measurement` to run and compare.
It does not decide which layer or statement is at fault (`localization`).
"""
