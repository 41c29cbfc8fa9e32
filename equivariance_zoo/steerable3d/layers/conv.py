"""Steerable convolutions, equivariant by their kernels and computed by conv3d."""

from __future__ import annotations

from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn
from torch.nn import functional

from equivariance_zoo.steerable3d.layers.basis import Shells
from equivariance_zoo.steerable3d.layers.expansion import KernelExpansion
from equivariance_zoo.steerable3d.layers.lowpass import filter_size, filter_width, symmetric_padding


class SteerableConv3d(nn.Module):
    """A convolution of fields of irreps that commutes with rotations and shifts (Weiler et al. 2018, eq. 3).

    With a stride, a Gaussian low-pass filter follows the kernel within the same convolution (antialiasing). The windows
    lie symmetrically about the middle of the grid, for even and odd sizes. In evaluation mode, the expanded kernel is
    kept until the weights change in place or training mode is entered.
    """

    def __init__(
        self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, kernel_size: int, *, width: float = 0.6,
        stride: int = 1, padding: int | None = None, dilation: int = 1, periodic: bool = False, parity: bool = False,
    ) -> None:  # fmt: skip
        """Builds the basis and draws the weights.

        Args:
            irreps_in: Irreps of the input field, in e3nn's notation; channels are in e3nn's order, block after block.
            irreps_out: Irreps of the output field.
            kernel_size: Taps along each axis.
            width: Sigma of the radial shells, in taps.
            stride: Voxels between outputs.
            padding: Voxels of zeros on each side, with stride 1. If None, the padding keeps the size (with a stride:
                ceil(n / stride)).
            dilation: Voxels between taps.
            periodic: If True, the padding is periodic instead of zeros.
            parity: If True, the symmetry includes inversions: parities of the irreps matter, and fewer kernels exist.

        Raises:
            ValueError: If settings contradict each other.
        """
        super().__init__()
        if stride > 1 and (padding is not None or dilation > 1):
            raise ValueError(f"stride: expected 1 with padding or dilation given, got {stride}")
        if stride < 1 or dilation < 1:
            raise ValueError(f"stride, dilation: expected 1 or more, got {stride}, {dilation}")
        self.irreps_in, self.irreps_out = o3.Irreps(irreps_in), o3.Irreps(irreps_out)
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.periodic = periodic
        self.expansion = KernelExpansion(self.irreps_in, self.irreps_out, Shells(kernel_size, width), parity)
        self._kept: tuple[tuple[object, ...], Tensor] | None = None

    def forward(self, fields: Tensor) -> Tensor:
        """Convolves fields.

        Args:
            fields: [batch, channels in, x, y, z].

        Returns:
            [batch, channels out, x', y', z'].
        """
        if fields.dim() != 5 or fields.shape[1] != self.irreps_in.dim:
            raise ValueError(f"fields: expected [batch, {self.irreps_in.dim}, x, y, z], got {tuple(fields.shape)}")
        sizes = set(fields.shape[2:])
        if self.stride == 1:
            span = self.dilation * (self.kernel_size - 1) + 1
            same = self.padding is None
            paddings = [symmetric_padding(n, span, 1) if same else self.padding or 0 for n in fields.shape[2:]]
            kernel = self._kernel(1)
        else:
            filters = {filter_size(n, self.kernel_size, self.stride) for n in sizes}
            if len(filters) > 1:
                raise ValueError(f"fields: expected sizes that are all even or all odd, got {tuple(fields.shape[2:])}")
            taps = self.kernel_size + (size := filters.pop()) - 1
            paddings = [symmetric_padding(n, taps, self.stride) for n in fields.shape[2:]]
            kernel = self._kernel(size)
        # If taps reach from border to border, oneDNN's gradient of the weights is wrong (PyTorch 2.13, padded).
        spans = self.dilation * (kernel.shape[-1] - 1) + 1 >= min(sizes)
        if not self.periodic and not spans:
            return functional.conv3d(fields, kernel, None, self.stride, paddings, self.dilation)
        if self.periodic and any(n % self.stride for n in sizes):
            raise ValueError(f"fields: expected sizes that {self.stride} divides, got {tuple(fields.shape[2:])}")
        around = [p for padding in reversed(paddings) for p in (padding, padding)]
        padded = functional.pad(fields, around, mode="circular" if self.periodic else "constant")
        return functional.conv3d(padded, kernel, None, self.stride, 0, self.dilation)

    def train(self, mode: bool = True) -> SteerableConv3d:
        """Switches the mode. Training mode drops the kept kernel."""
        self._kept = None
        return super().train(mode)

    def extra_repr(self) -> str:
        """Shows the settings."""
        return (
            f"{self.irreps_in} -> {self.irreps_out}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"dilation={self.dilation}, periodic={self.periodic}, parity={self.expansion.parity}"
        )

    def __getstate__(self) -> dict[str, Any]:
        """Returns the state without the expanded kernel, so that copies and files hold the weights only."""
        return {**super().__getstate__(), "_kept": None}

    def _kernel(self, low_pass: int) -> Tensor:
        """Returns the expanded kernel, followed by a filter of `low_pass` taps."""
        weight = self.expansion.weight
        follows = torch.is_grad_enabled() and weight.requires_grad
        if self.training or follows or torch.is_inference(weight):
            return self.expansion(low_pass, filter_width(self.stride))
        key = (low_pass, weight._version, weight.data_ptr(), weight.dtype, weight.device)
        if self._kept is None or self._kept[0] != key:
            with torch.inference_mode(False), torch.no_grad():
                self._kept = key, self.expansion(low_pass, filter_width(self.stride))
        return self._kept[1]
