"""Pools a field to invariants of the whole grid."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from equivariance_zoo.steerable3d.layers.norms import is_scalar, lengths, split


class InvariantPool(nn.Module):
    """Means over the grid of scalars and of the lengths of vectors: one invariant for each copy of each irrep."""

    def __init__(self, irreps: o3.Irreps | str, parity: bool = False) -> None:
        """Sets the irreps.

        Args:
            irreps: Irreps of the input field.
            parity: If True, scalars of odd parity are replaced by their absolute values.
        """
        super().__init__()
        self.irreps_in = o3.Irreps(irreps)
        self.irreps_out = o3.Irreps([(self.irreps_in.num_irreps, (0, 1))])
        self._scalars = [is_scalar(block.ir, parity) for block in self.irreps_in]

    def forward(self, fields: Tensor) -> Tensor:
        """Maps [batch, channels, *grid] to [batch, invariants]."""
        blocks = split(fields, self.irreps_in)
        means = [
            (block if scalar else lengths(block)).squeeze(2).flatten(2).mean(2)
            for block, scalar in zip(blocks, self._scalars, strict=True)
        ]
        return torch.cat(means, dim=1)
