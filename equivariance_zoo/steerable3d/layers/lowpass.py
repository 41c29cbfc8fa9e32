"""Low-pass filters that make a stride respect rotations and, nearly, shifts."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional


@cache
def gaussian(size: int, width: float) -> Tensor:
    """A separable Gaussian's factor along one axis, [size] float64, of sum 1, symmetric about its middle."""
    with torch.inference_mode(False):
        axis = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
        values = torch.exp(-0.5 * (axis / width) ** 2)
        return values / values.sum()


def blurred(kernels: Tensor, size: int, width: float) -> Tensor:
    """Kernels [..., k, k, k] followed by a Gaussian of ``size`` taps: [..., k+size-1, k+size-1, k+size-1]."""
    factor = gaussian(size, width).to(kernels)
    for axis in (-3, -2, -1):
        shifted = [functional.pad(kernels, _around(axis, t, size - 1 - t)) for t in range(size)]
        kernels = torch.stack([f * s for f, s in zip(factor, shifted, strict=True)]).sum(0)
    return kernels


def _around(axis: int, before: int, behind: int) -> list[int]:
    """Padding of one axis, as `functional.pad` wants it: the last axis first."""
    return [0, 0] * (-1 - axis) + [before, behind]


def symmetric_padding(length: int, taps: int, stride: int) -> int:
    """The padding on both sides with which ceil(length / stride) windows lie symmetrically about the middle.

    Raises:
        ValueError: there is none, as taps and length are not of fitting parity.
    """
    outputs = -(-length // stride)
    twice = stride * (outputs - 1) + taps - length
    if twice % 2 or twice < 0:
        raise ValueError(f"taps: expected a number with which a stride of {stride} is symmetric on {length} voxels, "
                         f"got {taps}")  # fmt: skip
    return twice // 2


def filter_size(length: int, taps: int, stride: int) -> int:
    """Taps of the low-pass filter after a kernel of ``taps``: as many as the stride, or one more to be symmetric."""
    size = stride
    outputs = -(-length // stride)
    return size + (stride * (outputs - 1) + taps + size - 1 - length) % 2


def filter_width(stride: int) -> float:
    """Sigma of the low-pass filter, in voxels: half the stride. More would cost time: the shells are smooth already."""
    return stride / 2


class LowPass(nn.Module):
    """A Gaussian low-pass filter and a stride, symmetric on even and odd grids alike; fields of any irreps.

    Attributes:
        stride: voxels between outputs; an axis of n voxels gives ceil(n / stride).
        periodic: whether the grid is a torus; its sizes are then multiples of the stride.
    """

    def __init__(self, stride: int, periodic: bool = False) -> None:
        super().__init__()
        if stride < 1:
            raise ValueError(f"stride: expected 1 or more, got {stride!r}")
        self.stride, self.periodic = stride, periodic

    def forward(self, fields: Tensor) -> Tensor:
        """Filter and thin out.

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
        """The settings."""
        return f"stride={self.stride}, periodic={self.periodic}"
