"""Radial profiles: the weights of a kernel as functions of the invariants of its edge."""

from __future__ import annotations

import torch
from torch import Tensor, nn

HIDDEN_WIDTH = 32


class RadialProfile(nn.Module):
    """Network from the invariants of an edge to the weights of one pair of degrees.

    Layers: Linear - LayerNorm - ReLU twice, then Linear (SE(3)-Transformer, arXiv 2006.10503, phi in eq. 8). The
    network acts on invariants only, so that LayerNorm and biases keep the equivariance.
    """

    def __init__(
        self, invariants: int, channels_in: int, channels_out: int, frequencies: int, scale: float = 1.0
    ) -> None:
        """Sets up the network.

        Args:
            invariants: Invariants per edge (edge scalars and the distance).
            channels_in: Channels of the source degree.
            channels_out: Channels of the target degree.
            frequencies: Kernels of the angular basis, 2 min(i, o) + 1.
            scale: Scale of the weights that the untrained network returns.
        """
        super().__init__()
        self.invariants = invariants
        self.weight_shape = (channels_out, channels_in, frequencies)
        self.net = nn.Sequential(
            nn.Linear(invariants, HIDDEN_WIDTH),
            nn.LayerNorm(HIDDEN_WIDTH),
            nn.ReLU(),
            nn.Linear(HIDDEN_WIDTH, HIDDEN_WIDTH),
            nn.LayerNorm(HIDDEN_WIDTH),
            nn.ReLU(),
            nn.Linear(HIDDEN_WIDTH, channels_out * channels_in * frequencies),
        )
        for layer in self.net:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_uniform_(layer.weight)
        with torch.no_grad():
            for parameter in self.net[-1].parameters():
                parameter.mul_(scale)

    def forward(self, invariants: Tensor) -> Tensor:
        """Maps [..., invariants] to weights [..., C_out, C_in, F].

        Raises:
            ValueError: If the length of the last axis is not `invariants`.
        """
        if invariants.shape[-1] != self.invariants:
            raise ValueError(f"invariants: expected shape [..., {self.invariants}], got {list(invariants.shape)}")
        return self.net(invariants).unflatten(-1, self.weight_shape)
