"""Representations of periodic structures, and the rows that a moved node or a doubled cell takes along.

`lattice_vectors` has the representations that users declare. `crystal_rows` repeats rows for the base class.

Called by the package above and by `contracts`. The package finds no lattice among the inputs; the engine does.
"""
