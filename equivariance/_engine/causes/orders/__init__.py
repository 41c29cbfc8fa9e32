"""Finds out why a layer depends on the order of nodes or edges, and compares lists of rows.

`causes.explain` and `causes.rotation` call it. It runs experiments and recordings of `causes.experiment`.
It knows no components of irreps (`causes.components`).
"""
