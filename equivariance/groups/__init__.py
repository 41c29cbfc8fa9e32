"""Groups and their elements: what a test draws, and how an element acts on positions, nodes and samples.

Elements are immutable values (`Transform`) in float64; sets draw them at random or exactly on a grid. Users
name a group or build one (`equivariance.groups.rotation(...)`), and a report prints elements with these names.
Representations apply elements to tensors; nothing here knows a tensor's layout, a module or a report.
"""

from equivariance.groups.elements import (
    Transform,
    cube_rotations,
    identity,
    inversion,
    permutation,
    rotation,
    samples,
    translation,
)
from equivariance.groups.named import NAMED_GROUPS, SYMMETRIES, Symmetry, groups_of
from equivariance.groups.sampling import (
    Batches,
    Elements,
    Group,
    InputSizes,
    Inversions,
    Permutations,
    Rotations,
    Translations,
)

__all__ = [
    "NAMED_GROUPS",
    "SYMMETRIES",
    "Batches",
    "Elements",
    "Group",
    "InputSizes",
    "Inversions",
    "Permutations",
    "Rotations",
    "Symmetry",
    "Transform",
    "Translations",
    "cube_rotations",
    "groups_of",
    "identity",
    "inversion",
    "permutation",
    "rotation",
    "samples",
    "translation",
]
