"""How one tensor transforms: irreps, points, Cartesian tensors, grids, node numbers, or not at all.

A representation is an immutable value. It checks a tensor's shape, transforms the tensor under a group element, and
splits it into the parts whose errors are compared. Contracts nest representations like the arguments of a call; the
engine applies them to recorded values. No module is run here, and nothing is inferred.
"""

from equivariance.representations.axes import Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.grid import Grid
from equivariance.representations.irreps import Irreps
from equivariance.representations.sizes import SampleStarts
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices, as_representation

__all__ = [
    "CartesianPoints",
    "CartesianTensor",
    "Concatenated",
    "Grid",
    "Invariant",
    "Irreps",
    "NodeIndices",
    "Representation",
    "SampleStarts",
    "as_representation",
]
