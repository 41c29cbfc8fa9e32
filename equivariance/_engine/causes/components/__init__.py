"""Finds out what a layer or a statement does with the components of irreps, and by which law they turn.

`causes.rotation` and `causes.translation` call it. It runs experiments and recordings of `causes.experiment`.
It knows no orders of nodes (`causes.orders`).
"""
