"""Batch normalization that commutes with rotations."""

from __future__ import annotations

from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn
from torch.nn import functional

from equivariance_zoo.steerable3d.layers.norms import is_scalar, split


class SteerableBatchNorm(nn.Module):
    """Normalizes scalars to mean 0 and variance 1, and vectors by the root mean square of a component.

    Statistics are over samples and voxels, for each copy of an irrep. In evaluation mode, running statistics are used.

    Attributes:
        weight: Factor of each copy of each irrep; `bias` is added to scalars.
        running_mean, running_var: Mean of scalars, and mean square of a component of every copy.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self, irreps: o3.Irreps | str, parity: bool = False, momentum: float = 0.1, epsilon: float = 1e-5
    ) -> None:
        """Starts at mean 0 and variance 1.

        Args:
            irreps: Irreps of the input and output fields.
            parity: If True, scalars of odd parity keep their mean, because the symmetry includes inversions.
            momentum: Share of the newest batch in the running statistics.
            epsilon: Added to variances.
        """
        super().__init__()
        self.irreps_in = self.irreps_out = o3.Irreps(irreps)
        self.momentum, self.epsilon = momentum, epsilon
        self._scalars = [is_scalar(block.ir, parity) for block in self.irreps_in]
        blocks = list(zip(self.irreps_in, self._scalars, strict=True))
        scalars = sum(block.mul for block, scalar in blocks if scalar)
        self.weight = nn.Parameter(torch.ones(self.irreps_in.num_irreps))
        self.bias = nn.Parameter(torch.zeros(scalars))
        self.register_buffer("running_mean", torch.zeros(scalars))
        self.register_buffer("running_var", torch.ones(self.irreps_in.num_irreps))

    def forward(self, fields: Tensor) -> Tensor:
        """Maps [batch, channels, *grid] to the same shape."""
        blocks = split(fields, self.irreps_in)
        means, variances = self._statistics(blocks) if self.training else (self.running_mean, self.running_var)
        factors = (self.weight / (variances + self.epsilon).sqrt()).split([b.mul for b in self.irreps_in])
        sizes = [b.mul for b, s in zip(self.irreps_in, self._scalars, strict=True) if s]
        means_of, biases = iter(means.split(sizes)), iter(self.bias.split(sizes))
        scales, shifts = [], []
        for block, factor, scalar in zip(self.irreps_in, factors, self._scalars, strict=True):
            scales.append(factor.repeat_interleave(block.ir.dim))
            shifts.append(next(biases) - next(means_of) * factor if scalar else fields.new_zeros(block.dim))
        # x * scale + shift in one pass over memory, and its gradients in another.
        nothing, one = fields.new_zeros(fields.shape[1]), fields.new_ones(fields.shape[1])
        return functional.batch_norm(fields, nothing, one, torch.cat(scales), torch.cat(shifts), eps=0.0)

    def _statistics(self, blocks: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Returns means of scalars and mean squares of all irreps of the batch. Updates the running statistics."""
        means, variances = [self.bias.new_zeros(0)], []
        for block, scalar in zip(blocks, self._scalars, strict=True):
            axes = [axis for axis in range(block.dim()) if axis != 1]
            if scalar:
                means.append(block.mean(axes))
                block = block - means[-1].view(-1, *[1] * (block.dim() - 2))  # noqa: PLW2901
            variances.append(SquareMean.apply(block))
        mean, variance = torch.cat(means), torch.cat(variances)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        return mean, variance


class SquareMean(torch.autograd.Function):
    """Mean squares over all axes but the second, without a tensor of squares; twice differentiable."""

    generate_vmap_rule = True

    @staticmethod
    def forward(block: Tensor) -> Tensor:
        """Maps [batch, mul, ...] to [mul]."""
        return torch.linalg.vector_norm(block, dim=[a for a in range(block.dim()) if a != 1]).square() / (
            block.numel() / block.shape[1]
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Keeps the block."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Returns the gradient, by one product."""
        (block,) = ctx.saved_tensors
        factor = gradient * (2 * block.shape[1] / block.numel())
        return block * factor.view(-1, *[1] * (block.dim() - 2))
