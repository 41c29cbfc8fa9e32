"""Conventional names of fields in models and data sets, and the kind of tensor that each name denotes.

Called by `contracts.assumptions` and the adapters. The module looks at names only; it sees no shapes and no values.
"""

from __future__ import annotations

import re

POINTS = frozenset(
    [
        "pos",
        "position",
        "positions",
        "coord",
        "coords",
        "coors",
        "coordinates",
        "xyz",
        "r",
        "points",
        "point_cloud",
        "cloud",
        "clouds",
        "cart_coords",
        "atom_positions",
        "atom_coords",
        "loc",
        "locs",
    ]
)
"""Names of positions."""

VECTORS = frozenset(
    [
        "vel",
        "velocity",
        "velocities",
        "force",
        "forces",
        "vec",
        "vecs",
        "vector",
        "vectors",
        "normal",
        "normals",
        "direction",
        "directions",
        "displacement",
        "displacements",
        "dipole",
        "momentum",
        "momenta",
        "cell",
        "lattice",
        "box",
        "shift",
        "shifts",
        "edge_shift",
        "edge_shifts",
        "edge_vec",
        "edge_vector",
        "edge_vectors",
        "rel_pos",
        "edge_dir",
    ]
)
"""Names of vectors: displacements, forces, rows of a cell."""

LATTICE = frozenset(["cell", "cells", "lattice", "lattices", "box", "lattice_vectors", "cell_vectors"])
"""Names of the vectors that span a periodic cell, as rows. They list neither nodes nor edges."""

PERIODIC = frozenset(["pbc", "periodic", "periodicity", "periodic_axes"])
"""Names of three booleans that say along which lattice vectors a structure repeats."""

SHIFTS = frozenset(
    [
        "shift",
        "shifts",
        "unit_shifts",
        "edge_shift",
        "edge_shifts",
        "edge_cell_shift",
        "cell_shift",
        "cell_shifts",
        "cell_offset",
        "cell_offsets",
        "offsets",
        "edge_offsets",
        "image_shifts",
    ]
)
"""Names of the shifts that lead from the end of an edge to its image in another cell, [edges, 3]."""

INVARIANTS = frozenset(
    [
        "z",
        "atomic_numbers",
        "atomic_number",
        "numbers",
        "species",
        "atom_type",
        "atom_types",
        "types",
        "element",
        "elements",
        "charge",
        "charges",
        "mass",
        "masses",
        "mask",
        "node_mask",
        "pbc",
        "unit_shifts",
        "edge_cell_shift",
        "cell_shift",
        "cell_offset",
        "cell_offsets",
        "t",
        "time",
        "timestep",
        "weight",
        "weights",
        "energy",
        "radius",
    ]
)
"""Names of quantities that no motion changes, for any shape."""

SAMPLES = frozenset(
    ["batch", "batch_idx", "batch_index", "node_batch", "idx_m", "graph_idx", "graph_index", "mol_idx", "system_idx"]
)
"""Names of the vector that gives each node the number of its sample."""

SAMPLE_WORDS = frozenset(
    ["batch", "sample", "samples", "graph", "mol", "molecule", "system", "structure", "conformer", "crystal"]
)
"""Words in the names of other vectors that give each node the number of its sample."""

STARTS = frozenset({"ptr"})
"""Names of the vector of indices at which samples start."""

MASKS = frozenset(["mask", "masks", "valid"])
"""Words in the names of masks."""

PADDING = frozenset(["pad", "padding", "padded"])
"""Words in the names of masks that are True for padding."""

NODE_MASKS = frozenset(["mask", "node_mask", "atom_mask", "point_mask", "padding_mask", "pad_mask", "key_padding_mask"])
"""Names of masks of padding. Other masks may select nodes that exist."""

EDGES = frozenset(["edge_index", "edge_indices", "edge_idx", "edges", "edge_list", "pairs", "pair_indices"])
"""Names of the node numbers at both ends of each edge, in two rows."""

ENDS = (
    ("src", "dst"),
    ("source", "target"),
    ("sender", "receiver"),
    ("senders", "receivers"),
    ("idx_i", "idx_j"),
    ("row", "col"),
)
"""Last words of the names of two vectors of node numbers, one for each end of the edges: `edge_src`, `edge_dst`."""

_NUMBERS = re.compile(
    r"(.*_)?(edges?|edge_list|row|col|index|indices|idx|src|dst|source|target|sender|senders|receiver|receivers|neighbou?rs?|nbrs?|face|idx_[ij])"
)


def plain(name: str) -> str:
    """Returns a name in the spelling of the tables: lower case, with underscores."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name).strip("_").lower()


_RELATIVE = frozenset(["rel", "relative", "delta", "diff"])
_NO_PLACE = frozenset(["edge", "frac", "fractional", "scaled", "spherical", "polar", "lattice"])
"""Prefixes of a name of positions: `_RELATIVE` makes it a difference, `_NO_PLACE` another quantity."""


def names_points(name: str) -> bool:
    """True if a field of this name holds positions: `pos`, `node_xyz`."""
    *before, last = plain(name).split("_")
    return plain(name) in POINTS or (last in POINTS and len(last) > 1 and not {*before} & (_RELATIVE | _NO_PLACE))


def names_cells(name: str) -> bool:
    """True if a field of this name holds lattice vectors: `cell`, `unit_cell`, `box`."""
    return plain(name).split("_")[-1] in LATTICE or plain(name) in LATTICE


def names_vectors(name: str) -> bool:
    """True if a field of this name holds vectors: `vel`, `old_forces`, `rel_pos`."""
    *before, last = plain(name).split("_")
    return plain(name) in VECTORS or last in VECTORS or (last in POINTS and bool({*before} & _RELATIVE))


def names_node_numbers(name: str) -> bool:
    """True if integers of this name are node numbers."""
    return plain(name) in EDGES or (plain(name) not in SAMPLES and _NUMBERS.fullmatch(plain(name)) is not None)


def names_kinds(name: str) -> bool:
    """True if integers of this name are kinds, such as atomic numbers, or the ends of edges: they number no samples."""
    word = plain(name)
    ends = (end for pair in ENDS for end in pair)
    return word in INVARIANTS | EDGES or any(word == end or word.endswith(f"_{end}") for end in ends)


def names_edges(name: str) -> bool:
    """True if a field of this name has a row for each edge."""
    return "edge" in plain(name).split("_") or plain(name) in {"shifts", "unit_shifts"}
