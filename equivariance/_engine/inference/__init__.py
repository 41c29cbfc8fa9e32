"""Representations that nobody declared, from runs: of inputs by trial, of outputs, of inner layers.

Candidates are tried on a few group elements, and the one that holds (or is nearest) is taken; the report says so.
Diagnosis calls this before it examines. Guesses from names and shapes alone belong to the contracts.
"""
