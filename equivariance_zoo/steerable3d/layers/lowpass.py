"""Low-pass filters with which a stride is equivariant under rotations and, approximately, shifts."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional


@cache
def gaussian(size: int, width: float) -> Tensor:
    """Returns a separable Gaussian's factor along one axis, [size] float64, of sum 1, symmetric about its middle."""
    with torch.inference_mode(False):
        axis = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
        values = torch.exp(-0.5 * (axis / width) ** 2)
        return values / values.sum()


def blur(kernels: Tensor, size: int, width: float) -> Tensor:
    """Filters kernels [..., k, k, k] by a Gaussian of `size` taps: [..., k+size-1, k+size-1, k+size-1]."""
    factor = gaussian(size, width).to(kernels)
    for axis in (-3, -2, -1):
        shifted = [functional.pad(kernels, _around(axis, t, size - 1 - t)) for t in range(size)]
        kernels = torch.stack([f * s for f, s in zip(factor, shifted, strict=True)]).sum(0)
    return kernels


def _around(axis: int, before: int, behind: int) -> list[int]:
    """Returns the padding of one axis for `functional.pad`, the last axis first."""
    return [0, 0] * (-1 - axis) + [before, behind]


def symmetric_padding(length: int, taps: int, stride: int) -> int:
    """Returns the padding of both sides for which ceil(length / stride) windows are symmetric about the middle.

    Raises:
        ValueError: If no padding is symmetric, because the parities of taps and length do not fit.
    """
    outputs = -(-length // stride)
    twice = stride * (outputs - 1) + taps - length
    if twice % 2 or twice < 0:
        raise ValueError(f"taps: expected a number with which a stride of {stride} is symmetric on {length} voxels, "
                         f"got {taps}")  # fmt: skip
    return twice // 2


def filter_size(length: int, taps: int, stride: int) -> int:
    """Returns the taps of the low-pass filter after a kernel of `taps`: the stride, or one more for symmetry."""
    size = stride
    outputs = -(-length // stride)
    return size + (stride * (outputs - 1) + taps + size - 1 - length) % 2


def filter_width(stride: int) -> float:
    """Returns sigma of the low-pass filter, in voxels: half the stride. A wider filter costs time without benefit."""
    return stride / 2


class LowPass(nn.Module):
    """A Gaussian low-pass filter and a stride, symmetric on even and odd grids alike; fields of any irreps.

    Attributes:
        stride: Voxels between outputs; an axis of n voxels gives ceil(n / stride).
        periodic: If True, the grid is a torus, and its sizes are multiples of the stride.
    """

    def __init__(self, stride: int, periodic: bool = False) -> None:
        super().__init__()
        if stride < 1:
            raise ValueError(f"stride: expected 1 or more, got {stride!r}")
        self.stride, self.periodic = stride, periodic

    def forward(self, fields: Tensor) -> Tensor:
        """Filters and subsamples fields.

        Args:
            fields: [batch, channels, x, y, z].
        """
        channels, width = fields.shape[1], filter_width(self.stride)
        for axis in range(3):
            size = filter_size(fields.shape[2 + axis], 1, self.stride)
            shape, stride = [channels, 1, 1, 1, 1], [1, 1, 1]
            shape[2 + axis], stride[axis] = size, self.stride
            weight = gaussian(size, width).to(fields).view(1, 1, *shape[2:]).expand(shape)
            padding = [0] * 6
            before = symmetric_padding(fields.shape[2 + axis], size, self.stride)
            padding[4 - 2 * axis] = padding[5 - 2 * axis] = before
            padded = functional.pad(fields, padding, mode="circular" if self.periodic else "constant")
            fields = functional.conv3d(padded, weight, stride=tuple(stride), groups=channels)
        return fields

    def extra_repr(self) -> str:
        """Shows the settings."""
        return f"stride={self.stride}, periodic={self.periodic}"
