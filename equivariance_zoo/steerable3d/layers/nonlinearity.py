"""Nonlinearities that commute with rotations: gates and functions of norms."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from equivariance_zoo.steerable3d.layers.norms import is_scalar, join, lengths, split


class Gated(nn.Module):
    """ReLU on scalars; every vector is multiplied by the sigmoid of its own scalar (Weiler et al. 2018, 3.3).

    Attributes:
        irreps_out: Irreps of the output field.
        irreps_in: Irreps of the input field: one more scalar for each vector, the gate, behind the other scalars.
        bias: [scalars and gates], added before the ReLU and the sigmoid; None without bias.
    """

    def __init__(self, irreps_out: o3.Irreps | str, parity: bool = False, bias: bool = True) -> None:
        """Counts the gates.

        Args:
            irreps_out: Irreps of the output field.
            parity: If True, scalars of odd parity are gated too, because the symmetry includes inversions.
            bias: If True, a bias of scalars and gates is learned; not needed before a batch normalization.
        """
        super().__init__()
        self.irreps_out = o3.Irreps(irreps_out)
        self._scalars = [is_scalar(block.ir, parity) for block in self.irreps_out]
        blocks = list(zip(self.irreps_out, self._scalars, strict=True))
        self._gates = [block.mul for block, scalar in blocks if not scalar]
        self.irreps_in = self.irreps_out + o3.Irreps([(sum(self._gates), (0, 1))] if self._gates else [])
        self._biased = [block.mul for block, scalar in blocks if scalar] + [sum(self._gates)]
        self.bias = nn.Parameter(torch.zeros(sum(self._biased))) if bias else None

    def forward(self, fields: Tensor) -> Tensor:
        """Maps [batch, channels in, *grid] to [batch, channels out, *grid]."""
        pieces = split(fields, self.irreps_in)
        invariant = [piece for piece, scalar in zip(pieces, self._scalars, strict=False) if scalar]
        invariant += pieces[len(self._scalars) :]
        if self.bias is not None:
            biases = self.bias.split(self._biased[: len(invariant)])
            shape = (-1, 1, *[1] * (fields.dim() - 2))
            invariant = [piece + bias.view(shape) for piece, bias in zip(invariant, biases, strict=True)]
        gates = iter(torch.sigmoid(invariant.pop()).split(self._gates, dim=1) if self._gates else ())
        scalars = iter(invariant)
        return join([
            torch.relu(next(scalars)) if scalar else piece * next(gates)
            for piece, scalar in zip(pieces, self._scalars, strict=False)
        ])  # fmt: skip


class NormNonlinearity(nn.Module):
    """Maps lengths of vectors to relu(length + bias), keeping directions; scalars to relu(value + bias).

    Attributes:
        bias: One number for each copy of each irrep. Biases of vectors start at -0.1 or below 0: a positive bias would
            amplify rounding if a vector vanishes.
    """

    def __init__(self, irreps: o3.Irreps | str, parity: bool = False) -> None:
        """Starts the biases.

        Args:
            irreps: Irreps of the input and output fields.
            parity: If True, scalars of odd parity are treated as vectors of one component.
        """
        super().__init__()
        self.irreps_in = self.irreps_out = o3.Irreps(irreps)
        self._scalars = [is_scalar(block.ir, parity) for block in self.irreps_in]
        starts = [torch.full((b.mul,), 0.0 if s else -0.1) for b, s in zip(self.irreps_in, self._scalars, strict=True)]
        self.bias = nn.Parameter(torch.cat(starts) if starts else torch.zeros(0))

    def forward(self, fields: Tensor) -> Tensor:
        """Maps [batch, channels, *grid] to the same shape."""
        blocks = split(fields, self.irreps_in)
        grid = [1] * (fields.dim() - 2)
        biases = [b.view(-1, 1, *grid) for b in self.bias.split([block.mul for block in self.irreps_in])]
        made = [
            torch.relu(block + bias) if scalar else _stretch(block, bias)
            for block, bias, scalar in zip(blocks, biases, self._scalars, strict=True)
        ]
        return join(made)


def _stretch(block: Tensor, bias: Tensor) -> Tensor:
    length = lengths(block)
    safe = torch.where(length > 0, length, torch.ones_like(length))
    return block * (torch.relu(length + bias) / safe)
