"""Classifiers of voxel grids: steerable convolutions, gates, invariant pooling, a linear layer."""

from __future__ import annotations

from e3nn import o3
from torch import Tensor, nn

from equivariance_zoo.steerable3d.config import NetworkConfig
from equivariance_zoo.steerable3d.layers.batchnorm import SteerableBatchNorm
from equivariance_zoo.steerable3d.layers.conv import SteerableConv3d
from equivariance_zoo.steerable3d.layers.nonlinearity import Gated
from equivariance_zoo.steerable3d.layers.pooling import InvariantPool


class SteerableLayer(nn.Module):
    """Convolution, batch normalization and gates.

    Attributes:
        irreps_in, irreps_out: Irreps of the input and output fields.
    """

    def __init__(self, irreps_in: str, irreps_out: str, size: int, stride: int, config: NetworkConfig) -> None:
        super().__init__()
        self.irreps_in, self.irreps_out = o3.Irreps(irreps_in), o3.Irreps(irreps_out)
        self.gate = Gated(irreps_out, config.parity, bias=not config.normalize)
        middle = self.gate.irreps_in
        self.conv = SteerableConv3d(
            irreps_in, middle, size, stride=stride, periodic=config.periodic, parity=config.parity
        )
        self.norm = SteerableBatchNorm(middle, config.parity) if config.normalize else nn.Identity()

    def forward(self, fields: Tensor) -> Tensor:
        """Maps [batch, channels in, x, y, z] to [batch, channels out, x', y', z']."""
        gated: Tensor = self.gate(self.norm(self.conv(fields)))
        return gated


class ResidualBlock(nn.Module):
    """Two convolutions, the second without gates, and a shortcut. The next layer normalizes the sum.

    Attributes:
        irreps_in, irreps_out: Irreps of the input and output fields.
    """

    def __init__(self, irreps_in: str, irreps_out: str, size: int, stride: int, config: NetworkConfig) -> None:
        super().__init__()
        self.irreps_in, self.irreps_out = o3.Irreps(irreps_in), o3.Irreps(irreps_out)
        settings = {"periodic": config.periodic, "parity": config.parity}
        self.first = SteerableLayer(irreps_in, irreps_out, size, stride, config)
        self.second = SteerableConv3d(irreps_out, irreps_out, size, **settings)
        self.norm = SteerableBatchNorm(irreps_out, config.parity) if config.normalize else nn.Identity()
        same = self.irreps_in == self.irreps_out and stride == 1
        self.shortcut = nn.Identity() if same else SteerableConv3d(irreps_in, irreps_out, 3, stride=stride, **settings)

    def forward(self, fields: Tensor) -> Tensor:
        """Maps [batch, channels in, x, y, z] to [batch, channels out, x', y', z']."""
        total: Tensor = self.norm(self.second(self.first(fields))) + self.shortcut(fields)
        return total


class SteerableClassifier(nn.Module):
    """A classifier of fields, such as the networks of `config.NETWORKS`.

    Attributes:
        config: Settings of the network.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        irreps = config.irreps_in
        if config.residual:
            layers.append(SteerableLayer(irreps, config.stages[0].irreps, config.taps(0, 1), 1, config))
            irreps = config.stages[0].irreps
        kind = ResidualBlock if config.residual else SteerableLayer
        for stage in config.stages:
            for stride in (stage.stride, *[1] * (stage.blocks - 1)):
                layers.append(kind(irreps, stage.irreps, config.taps(len(layers), stride), stride, config))
                irreps = stage.irreps
        self.layers = nn.ModuleList(layers)
        self.pool = InvariantPool(irreps, config.parity)
        self.head = nn.Linear(self.pool.irreps_out.dim, config.classes)

    def forward(self, fields: Tensor) -> Tensor:
        """Classifies fields.

        Args:
            fields: [batch, channels, x, y, z].

        Returns:
            Logits [batch, classes].
        """
        for layer in self.layers:
            fields = layer(fields)
        logits: Tensor = self.head(self.pool(fields))
        return logits
