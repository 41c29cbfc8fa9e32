"""Representations beside irreps, points and grids: matrices of any group, Euler angles, log-lengths, pairs of nodes.

Each is a representation of one tensor, as those of the package above.

Called by `contracts` and the engine through the base class. The package draws no elements.
"""
