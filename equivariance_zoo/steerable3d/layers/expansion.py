"""Expands the weights of a steerable convolution to an ordinary kernel. `conv` runs it."""

from __future__ import annotations

from functools import lru_cache

import torch
from e3nn import o3
from torch import Tensor, nn

from equivariance_zoo.steerable3d.layers.basis import Shells, kernel_basis
from equivariance_zoo.steerable3d.layers.lowpass import blur


class KernelExpansion(nn.Module):
    """Weights of the basis kernels, and their sum as one kernel for conv3d.

    Attributes:
        weight: One number per pair of copies of irreps and basis kernel, blocks one after the other.
    """

    def __init__(self, irreps_in: o3.Irreps, irreps_out: o3.Irreps, shells: Shells, parity: bool) -> None:
        """Draws the weights so that unit variance goes to unit variance.

        Args:
            irreps_in: Irreps of the input field.
            irreps_out: Irreps of the output field.
            shells: The radial part.
            parity: If True, the symmetry includes inversions; if False, parities of the irreps are ignored.

        Raises:
            ValueError: If an irrep of the output has no kernel from any irrep of the input.
        """
        super().__init__()
        self.shells, self.parity = shells, parity
        self._bases = [[self._key(i.ir, o.ir) for i in irreps_in] for o in irreps_out]
        counts = [[len(kernel_basis(*key)) for key in row] for row in self._bases]
        self._shapes = [
            [(o.mul, i.mul, b) for i, b in zip(irreps_in, row, strict=True)]
            for o, row in zip(irreps_out, counts, strict=True)
        ]
        fans = [sum(mul * b for _, mul, b in row) for row in self._shapes]
        for out, fan in zip(irreps_out, fans, strict=True):
            if out.dim and not fan:
                raise ValueError(f"irreps_out: expected irreps that kernels of size {shells.size} reach from "
                                 f"{irreps_in}, got {out}")  # fmt: skip
        self._sizes = [mul_out * mul_in * b for row in self._shapes for mul_out, mul_in, b in row]
        scales = [
            torch.full((o * i * b,), fan**-0.5) for row, fan in zip(self._shapes, fans, strict=True) for o, i, b in row
        ]
        scale = torch.cat(scales)
        self.weight = nn.Parameter(torch.randn(scale.shape) * scale)

    def forward(self, low_pass: int = 1, width: float = 1.0) -> Tensor:
        """Sums the weighted basis kernels.

        Args:
            low_pass: Taps of a Gaussian filter that follows the kernel; 1 for none.
            width: Sigma of the filter, in voxels.

        Returns:
            The kernel [channels out, channels in, size + low_pass - 1, ...], in the dtype of the weights.
        """
        pieces = iter(self.weight.split(self._sizes))
        rows = []
        for shapes, keys in zip(self._shapes, self._bases, strict=True):
            blocks = [
                _block(next(pieces).view(shape), _basis(key, low_pass, width, self.weight.dtype, self.weight.device))
                for shape, key in zip(shapes, keys, strict=True)
            ]
            rows.append(torch.cat(blocks, dim=1))
        return torch.cat(rows)

    def _key(self, ir_in: o3.Irrep, ir_out: o3.Irrep) -> tuple[Shells, int, int, int | None]:
        return self.shells, ir_in.l, ir_out.l, ir_in.p * ir_out.p if self.parity else None


def _block(weight: Tensor, basis: Tensor) -> Tensor:
    """Contracts [mul out, mul in, B] and [B, 2j+1, 2l+1, ...] to [mul out (2j+1), mul in (2l+1), ...]."""
    mul_out, mul_in, _ = weight.shape
    rows, columns, *space = basis.shape[1:]
    summed = (weight.flatten(0, 1) @ basis.flatten(1)).view(mul_out, mul_in, rows, columns, *space)
    return summed.transpose(1, 2).reshape(mul_out * rows, mul_in * columns, *space)


@lru_cache(maxsize=256)
def _basis(
    key: tuple[Shells, int, int, int | None], low_pass: int, width: float, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Returns the filtered basis, cached. A buffer would keep the rounding of float32 when converted to float64."""
    with torch.inference_mode(False), torch.no_grad():
        return blur(kernel_basis(*key), low_pass, width).to(device, dtype)
