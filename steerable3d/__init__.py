"""3-D steerable CNNs: convolutions of fields of irreps on voxels, equivariant by construction."""

from steerable3d.batchnorm import SteerableBatchNorm
from steerable3d.config import NETWORKS, NetworkConfig, Stage
from steerable3d.conv import SteerableConv3d
from steerable3d.lowpass import LowPass
from steerable3d.model import SteerableClassifier
from steerable3d.nonlinearity import Gated, NormNonlinearity
from steerable3d.pooling import InvariantPool

__all__ = [
    "NETWORKS",
    "Gated",
    "InvariantPool",
    "LowPass",
    "NetworkConfig",
    "NormNonlinearity",
    "Stage",
    "SteerableBatchNorm",
    "SteerableClassifier",
    "SteerableConv3d",
]
