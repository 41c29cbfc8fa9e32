"""Ordinary CNNs of the same sizes, for comparison with the steerable networks."""

from __future__ import annotations

from e3nn import o3
from torch import Tensor, nn

from equivariance_zoo.steerable3d.config import NetworkConfig


class DenseClassifier(nn.Module):
    """The ordinary CNN with the channels, kernels and strides of a steerable network, and ReLU in place of gates.

    It has no low-pass filters: its kernels with a stride are as large as the others. A residual network is a ResNet (He
    et al. 2015) in three dimensions, with the stages and blocks of the configuration. Its shortcuts are convolutions of
    one tap with a batch normalization.
    """

    def __init__(self, config: NetworkConfig) -> None:
        """Builds layers whose channels are the dimension of the irreps of each stage, without gates."""
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        channels = o3.Irreps(config.irreps_in).dim
        if config.residual:
            width = o3.Irreps(config.stages[0].irreps).dim
            layers.append(dense_layer(channels, width, config.taps(0, 1), 1))
            channels = width
        kind = DenseBlock if config.residual else dense_layer
        for stage in config.stages:
            width = o3.Irreps(stage.irreps).dim
            for stride in (stage.stride, *[1] * (stage.blocks - 1)):
                layers.append(kind(channels, width, config.taps(len(layers), 1), stride))
                channels = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(channels, config.classes)

    def forward(self, fields: Tensor) -> Tensor:
        """Maps [batch, channels, x, y, z] to logits [batch, classes]."""
        logits: Tensor = self.head(self.layers(fields).flatten(2).mean(2))
        return logits


class DenseBlock(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, channels_in: int, channels_out: int, size: int, stride: int) -> None:
        super().__init__()
        self.first = dense_layer(channels_in, channels_out, size, stride)
        self.second = nn.Sequential(*list(dense_layer(channels_out, channels_out, size, 1))[:-1])
        same = channels_in == channels_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(
            nn.Conv3d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm3d(channels_out)
        )  # fmt: skip
        self.relu = nn.ReLU()

    def forward(self, fields: Tensor) -> Tensor:
        """Maps [batch, channels in, x, y, z] to [batch, channels out, x', y', z']."""
        made: Tensor = self.relu(self.second(self.first(fields)) + self.shortcut(fields))
        return made


def dense_layer(channels_in: int, channels_out: int, size: int, stride: int) -> nn.Sequential:
    """Returns a convolution, batch normalization and ReLU."""
    conv = nn.Conv3d(channels_in, channels_out, size, stride, size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm3d(channels_out), nn.ReLU())
