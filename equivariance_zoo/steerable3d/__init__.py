"""3-D steerable CNNs: convolutions of fields of irreps on voxels, equivariant by construction."""

from equivariance_zoo.steerable3d.batchnorm import SteerableBatchNorm
from equivariance_zoo.steerable3d.config import NETWORKS, NetworkConfig, Stage
from equivariance_zoo.steerable3d.conv import SteerableConv3d
from equivariance_zoo.steerable3d.lowpass import LowPass
from equivariance_zoo.steerable3d.model import SteerableClassifier
from equivariance_zoo.steerable3d.nonlinearity import Gated, NormNonlinearity
from equivariance_zoo.steerable3d.pooling import InvariantPool

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
