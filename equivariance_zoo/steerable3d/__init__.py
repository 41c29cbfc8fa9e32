"""3-D steerable CNNs: convolutions of fields of irreps on voxels, equivariant by construction.

`model` and `config` define the networks, `layers` builds them, `data_sources` gives fields, `training` trains. `dense`
is the ordinary CNN for comparison, `contracts` and `subjects` describe the networks to the harness.
"""

from equivariance_zoo.steerable3d.config import NETWORKS, NetworkConfig, Stage
from equivariance_zoo.steerable3d.layers.batchnorm import SteerableBatchNorm
from equivariance_zoo.steerable3d.layers.conv import SteerableConv3d
from equivariance_zoo.steerable3d.layers.lowpass import LowPass
from equivariance_zoo.steerable3d.layers.nonlinearity import Gated, NormNonlinearity
from equivariance_zoo.steerable3d.layers.pooling import InvariantPool
from equivariance_zoo.steerable3d.model import SteerableClassifier

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
