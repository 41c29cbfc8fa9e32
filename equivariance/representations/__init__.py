"""Representations of one tensor: irreps, points, Cartesian tensors, grids, node numbers, or no change.

A representation is an immutable value. It checks the shape of a tensor and transforms the tensor under a group element.
It splits the tensor into parts, whose errors are compared separately.

Called by `contracts`, which nest representations like the arguments of a call, and by the engine, which applies them to
recorded values. The package runs no module and infers nothing.
"""

from equivariance.representations.axes import Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.crystals.lattice_vectors import LatticeVectors
from equivariance.representations.grid import Grid
from equivariance.representations.irreps import Irreps
from equivariance.representations.mask import Mask
from equivariance.representations.sample_list import SampleList
from equivariance.representations.sizes import SampleStarts
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices, as_representation

__all__ = [
    "CartesianPoints",
    "CartesianTensor",
    "Concatenated",
    "Grid",
    "Invariant",
    "Irreps",
    "LatticeVectors",
    "Mask",
    "NodeIndices",
    "Representation",
    "SampleList",
    "SampleStarts",
    "as_representation",
]
