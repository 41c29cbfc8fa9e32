"""Complete basis of the SO(3)-steerable kernels on a cubic lattice.

A kernel between the irreps j (out) and l (in) is steerable if kappa(r x) = D_j(r) kappa(x) D_l(r)^-1 (Weiler et al.
2018, eq. 3). All steerable kernels are sums of phi(|x|) Q Y_J(x / |x|) for J = |j-l| ... j+l (eq. 5 to 8), with Q the
Wigner 3j and phi a Gaussian shell (eq. 9). Kernels are float64 on the CPU, in e3nn's conventions, computed once.
`expansion` calls it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from e3nn import o3
from torch import Tensor


@dataclass(frozen=True)
class Shells:
    """The radial part of a kernel basis, and the lattice on which it is sampled.

    Attributes:
        size: Taps along each axis. If odd, the centre lies on a voxel; if even, between eight voxels.
        width: Sigma of every Gaussian shell, in taps.

    Raises:
        ValueError: If a setting is out of range.
    """

    size: int
    width: float = 0.6

    def __post_init__(self) -> None:
        """Checks both settings."""
        if not isinstance(self.size, int) or isinstance(self.size, bool) or self.size < 1:
            raise ValueError(f"size: expected a whole number of taps, 1 or more, got {self.size!r}")
        if not self.width > 0:
            raise ValueError(f"width: expected a length in taps above 0, got {self.width!r}")

    @property
    def radii(self) -> tuple[int, ...]:
        """Radii m of the shells that fit into the cube, in taps."""
        return tuple(range((self.size - 1) // 2 + 1))

    def frequencies(self, radius: int, degree_in: int, degree_out: int) -> range:
        """Returns angular frequencies J of a shell: |j-l| ... j+l, as far as its voxels resolve them, J <= 2m."""
        return range(abs(degree_in - degree_out), min(degree_in + degree_out, 2 * radius) + 1)

    @property
    def lattice(self) -> Tensor:
        """Returns positions of the taps, [size, size, size, 3], the first axis along x, the centre at zero."""
        axis = torch.arange(self.size, dtype=torch.float64) - (self.size - 1) / 2
        return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)


@dataclass(frozen=True)
class Element:
    """Names one basis kernel: the radius of its shell and its angular frequency."""

    radius: int
    frequency: int


def elements(shells: Shells, degree_in: int, degree_out: int, parity: int | None) -> tuple[Element, ...]:
    """Returns the basis kernels of a pair of irreps: of O(3) with their joint `parity`, of SO(3) if it is None."""
    return tuple(
        Element(radius, frequency)
        for radius in shells.radii
        for frequency in shells.frequencies(radius, degree_in, degree_out)
        if parity is None or (-1) ** frequency == parity
    )


@cache
def kernel_basis(shells: Shells, degree_in: int, degree_out: int, parity: int | None = None) -> Tensor:
    """Samples the steerable kernels of a pair of irreps.

    Each kernel is scaled to a Frobenius norm of sqrt(2j+1), so that white noise keeps unit variance. Taps outside the
    ball inside the cube are zero. A cube cuts the outer shell at its faces and not at its corners, which makes the
    equivariance error under rotations up to 40 times as large.

    Args:
        shells: The radial part.
        degree_in: Degree l of the input irrep.
        degree_out: Degree j of the output irrep.
        parity: +1 or -1, the product of the parities of both irreps, for equivariance under inversions too; else None.

    Returns:
        [B, 2j+1, 2l+1, size, size, size], float64, in the order of `elements`.
    """
    # Cached constants must not be inference tensors, which autograd rejects later.
    with torch.inference_mode(False), torch.no_grad():
        found = elements(shells, degree_in, degree_out, parity)
        kernels = [sample_kernel(shells, e, degree_in, degree_out, shells.lattice) for e in found]
        scaled = [k * ((2 * degree_out + 1) ** 0.5 / k.norm()) for k in kernels]
        empty = torch.zeros(0, 2 * degree_out + 1, 2 * degree_in + 1, *[shells.size] * 3, dtype=torch.float64)
        return torch.stack(scaled) if scaled else empty


def sample_kernel(shells: Shells, element: Element, degree_in: int, degree_out: int, positions: Tensor) -> Tensor:
    """Samples one basis kernel (eq. 8 and 9) at `positions` [..., 3] in taps: [2j+1, 2l+1, ...], not scaled."""
    lengths = positions.norm(dim=-1)
    radial = torch.exp(-0.5 * ((lengths - element.radius) / shells.width) ** 2)
    radial = radial * (lengths <= shells.size / 2)
    harmonics = o3.spherical_harmonics(element.frequency, positions, normalize=True, normalization="component")
    if element.frequency:  # no direction at the centre
        harmonics = torch.where(lengths[..., None] > 0, harmonics, torch.zeros_like(harmonics))
    symbol = o3.wigner_3j(degree_out, degree_in, element.frequency, dtype=torch.float64)
    return torch.einsum("jlm,...m->jl...", symbol, harmonics * radial[..., None])
