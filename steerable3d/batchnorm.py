"""Batch normalization that commutes with rotations."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from steerable3d.norms import is_scalar, join, split


class SteerableBatchNorm(nn.Module):
    """Scalars lose their mean and get unit variance; vectors are divided by the root mean square of a component.

    Statistics are over samples and voxels, for each copy of an irrep; running ones are used in evaluation mode.

    Attributes:
        weight: a factor for each copy of each irrep; `bias` is added to scalars.
        running_mean, running_var: of scalars, and the mean square of a component of every copy.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self, irreps: o3.Irreps | str, parity: bool = False, momentum: float = 0.1, epsilon: float = 1e-5
    ) -> None:
        """Start at mean 0 and variance 1.

        Args:
            irreps: fields, as they come in and go out.
            parity: inversions count: scalars of odd parity keep their mean, which is to be zero.
            momentum: share of the newest batch in the running statistics.
            epsilon: added to variances.
        """
        super().__init__()
        self.irreps_in = self.irreps_out = o3.Irreps(irreps)
        self.momentum, self.epsilon = momentum, epsilon
        self._scalars = [is_scalar(block.ir, parity) for block in self.irreps_in]
        scalars = sum(b.mul for b, s in zip(self.irreps_in, self._scalars, strict=True) if s)
        self.weight = nn.Parameter(torch.ones(self.irreps_in.num_irreps))
        self.bias = nn.Parameter(torch.zeros(scalars))
        self.register_buffer("running_mean", torch.zeros(scalars))
        self.register_buffer("running_var", torch.ones(self.irreps_in.num_irreps))

    def forward(self, fields: Tensor) -> Tensor:
        """[batch, channels, *grid], the same shape."""
        blocks = split(fields, self.irreps_in)
        means, variances = self._statistics(blocks) if self.training else (self.running_mean, self.running_var)
        factors = (self.weight / (variances + self.epsilon).sqrt()).split([b.mul for b in self.irreps_in])
        sizes = [b.mul for b, s in zip(self.irreps_in, self._scalars, strict=True) if s]
        middle, shift = iter(means.split(sizes)), iter(self.bias.split(sizes))
        shape = (-1, 1, *[1] * (fields.dim() - 2))
        made = []
        for block, factor, scalar in zip(blocks, factors, self._scalars, strict=True):
            if scalar:
                block = block - next(middle).view(shape)  # noqa: PLW2901
                made.append(block * factor.view(shape) + next(shift).view(shape))
            else:
                made.append(block * factor.view(shape))
        return join(made)

    def _statistics(self, blocks: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Means of scalars and mean squares of all, of this batch; the running ones move towards them."""
        means, variances = [self.bias.new_zeros(0)], []
        for block, scalar in zip(blocks, self._scalars, strict=True):
            axes = [axis for axis in range(block.dim()) if axis != 1]
            if scalar:
                means.append(block.mean(axes))
                variances.append(block.var(axes, unbiased=False))
            else:
                variances.append(block.square().mean(axes))
        mean, variance = torch.cat(means), torch.cat(variances)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        return mean, variance
