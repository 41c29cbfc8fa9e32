"""Finds out why a layer breaks a symmetry, by experiments on it.

Each symmetry has a module of experiments; `explain` picks them. Experiments run the suspect under other elements,
inputs and precisions, and return an explanation: a cause, its evidence and a remedy. Diagnosis makes a finding of it.
Which statement is at fault is decided before.
"""
