"""Representations of one tensor: irreps, points, Cartesian tensors, grids, pictures, node numbers, or no change.

A representation is an immutable value. It checks the shape of a tensor and transforms the tensor under a group element.
It splits the tensor into parts, whose errors are compared separately.

Called by `contracts`, which nest representations like the arguments of a call, and by the engine, which applies them to
recorded values. The package runs no module and infers nothing.
"""

from equivariance.representations.axes import Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.composed.factors import Factors
from equivariance.representations.composed.masked import Masked
from equivariance.representations.composed.sensitive import Sensitive
from equivariance.representations.composed.swapped import Swapped
from equivariance.representations.composed.up_to_sign import UpToSign
from equivariance.representations.crystals.lattice_vectors import LatticeVectors
from equivariance.representations.further.angles import Angles, LogScale
from equivariance.representations.further.linear import Linear
from equivariance.representations.further.pairs import Pairs
from equivariance.representations.grid import Grid
from equivariance.representations.images.cameras import ImageRays, Unprojected
from equivariance.representations.images.canvas import Canvas
from equivariance.representations.images.grid_points import GridPoints
from equivariance.representations.images.rendered import Rendered
from equivariance.representations.irreps import Irreps
from equivariance.representations.mask import Mask
from equivariance.representations.sample_list import SampleList
from equivariance.representations.sizes import SampleStarts
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices, as_representation

__all__ = [
    "Angles",
    "Canvas",
    "CartesianPoints",
    "CartesianTensor",
    "Concatenated",
    "Factors",
    "Grid",
    "GridPoints",
    "ImageRays",
    "Invariant",
    "Irreps",
    "LatticeVectors",
    "Linear",
    "LogScale",
    "Mask",
    "Masked",
    "NodeIndices",
    "Pairs",
    "Rendered",
    "Representation",
    "SampleList",
    "SampleStarts",
    "Sensitive",
    "Swapped",
    "Unprojected",
    "UpToSign",
    "as_representation",
]
