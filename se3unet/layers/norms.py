"""Nonlinearities on the norms of features, which keep the direction.

A direction is not continuous at zero. If f(0) > 0, the published form f(|x|) x/|x| turns rounding noise on a vanishing
feature into a feature of size f(0). `softening` s replaces x/|x| by x / sqrt(|x|^2 + s^2), which is smooth.
"""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from se3unet.geometry.so3 import norm_and_direction
from se3unet.layers.fibers import Fibers, channels_by_degree, check_fibers


def _check_softening(softening: float) -> float:
    if not softening >= 0:
        raise ValueError(f"softening: expected 0 or more, got {softening}")
    return softening


def _soften(vectors: Tensor, softening: float) -> tuple[Tensor, Tensor]:
    """Returns norms [..., C] and (softened) directions [..., C, 2l+1] of [..., C, 2l+1]."""
    norms, directions = norm_and_direction(vectors)
    if softening > 0:
        directions = vectors / (norms.square() + softening**2).sqrt()
    return norms.squeeze(-1), directions


class NormBias(nn.Module):
    """Norm nonlinearity with a learned bias per channel: ReLU(|x| + b) x/|x| (GNormBias of the report, section 7)."""

    def __init__(self, irreps: o3.Irreps | str, softening: float = 0.0) -> None:
        """Creates one bias per channel.

        Args:
            irreps: Fibers of input and output.
            softening: Norm below which the direction fades, in units of the features; 0 as published.
        """
        super().__init__()
        self.irreps_in = self.irreps_out = o3.Irreps(irreps)
        self.softening = _check_softening(softening)
        self.bias = nn.ParameterDict(
            {str(degree): torch.randn(count) for degree, count in channels_by_degree(irreps).items()}
        )

    def forward(self, features: Fibers) -> Fibers:
        """Maps fibers [..., C_l, 2l+1] to fibers of the same shapes."""
        check_fibers("features", features, self.irreps_in)
        output: Fibers = {}
        for degree, feature in features.items():
            norms, directions = _soften(feature, self.softening)
            output[degree] = torch.relu(norms + self.bias[str(degree)]).unsqueeze(-1) * directions
        return output


class NormNonlinearity(nn.Module):
    """Norm nonlinearity that mixes the channels of a degree: net(|x|) x/|x| with net = LayerNorm, ReLU, Linear."""

    def __init__(self, irreps: o3.Irreps | str, softening: float = 0.0) -> None:
        """Creates one network per degree.

        Args:
            irreps: Fibers of input and output.
            softening: Norm below which the direction fades, in units of the features.
        """
        super().__init__()
        self.irreps_in = self.irreps_out = o3.Irreps(irreps)
        self.softening = _check_softening(softening)
        self.nets = nn.ModuleDict(
            {
                str(degree): nn.Sequential(nn.LayerNorm(count), nn.ReLU(), nn.Linear(count, count))
                for degree, count in channels_by_degree(irreps).items()
            }
        )

    def forward(self, features: Fibers) -> Fibers:
        """Maps fibers [..., C_l, 2l+1] to fibers of the same shapes."""
        check_fibers("features", features, self.irreps_in)
        output: Fibers = {}
        for degree, feature in features.items():
            norms, directions = _soften(feature, self.softening)
            output[degree] = self.nets[str(degree)](norms).unsqueeze(-1) * directions
        return output
