"""Groups and their elements: drawn elements, and their action on positions, nodes, edges and samples.

Elements are immutable values (`Transform`) in float64. A `Group` draws them at random, or exactly on a grid. Users name
a group or build an element (`equivariance.groups.rotation(...)`). A report prints elements with the same names.

Called by `representations`, which apply elements to tensors, and by the engine, which draws them. The package knows no
tensor layout, no module and no report.
"""

from equivariance.groups.elements import (
    Transform,
    cube_rotations,
    edge_permutation,
    identity,
    inversion,
    padding,
    permutation,
    rotation,
    samples,
    translation,
)
from equivariance.groups.further import (
    MatrixGroup,
    Mirrors,
    Product,
    Scalings,
    Swap,
    linear,
    mirror,
    product,
    scaling,
    swap,
)
from equivariance.groups.lattice_moves import LatticeMoves, lattice_move, supercell
from equivariance.groups.named import NAMED_GROUPS, SYMMETRIES, Symmetry, groups_of
from equivariance.groups.reorderings import Batches, Permutations, shifted
from equivariance.groups.sampling import Elements, Group, InputSizes, Inversions, Rotations, Translations

__all__ = [
    "NAMED_GROUPS",
    "SYMMETRIES",
    "Batches",
    "Elements",
    "Group",
    "InputSizes",
    "Inversions",
    "LatticeMoves",
    "MatrixGroup",
    "Mirrors",
    "Permutations",
    "Product",
    "Rotations",
    "Scalings",
    "Swap",
    "Symmetry",
    "Transform",
    "Translations",
    "cube_rotations",
    "edge_permutation",
    "groups_of",
    "identity",
    "inversion",
    "lattice_move",
    "linear",
    "mirror",
    "padding",
    "permutation",
    "product",
    "rotation",
    "samples",
    "scaling",
    "shifted",
    "supercell",
    "swap",
    "translation",
]
