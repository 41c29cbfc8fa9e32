"""Complete basis of the SO(3)-steerable kernels on a cubic lattice.

A kernel between the irreps j (out) and l (in) is steerable where kappa(r x) = D_j(r) kappa(x) D_l(r)^-1 (Weiler et al.
2018, eq. 3). All of them are sums of phi(|x|) Q Y_J(x / |x|) for J = |j-l| ... j+l (eq. 5 to 8), with Q the Wigner 3j
and phi a Gaussian shell (eq. 9). Everything here is float64 on the CPU, in e3nn's conventions, computed once.
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
        size: taps along each axis; the centre lies on a voxel where odd, between eight where even.
        width: sigma of every Gaussian shell, in taps.

    Raises:
        ValueError: a setting is out of range.
    """

    size: int
    width: float = 0.6

    def __post_init__(self) -> None:
        """Check both settings."""
        if not isinstance(self.size, int) or isinstance(self.size, bool) or self.size < 1:
            raise ValueError(f"size: expected a whole number of taps, 1 or more, got {self.size!r}")
        if not self.width > 0:
            raise ValueError(f"width: expected a length in taps above 0, got {self.width!r}")

    @property
    def radii(self) -> tuple[int, ...]:
        """Radii m of the shells, in taps: those that fit into the cube."""
        return tuple(range((self.size - 1) // 2 + 1))

    def frequencies(self, radius: int, degree_in: int, degree_out: int) -> range:
        """Angular frequencies J of a shell: |j-l| ... j+l, as far as its few voxels resolve them, J <= 2m."""
        return range(abs(degree_in - degree_out), min(degree_in + degree_out, 2 * radius) + 1)

    @property
    def lattice(self) -> Tensor:
        """Positions of the taps, [size, size, size, 3], the first axis along x, the centre at zero."""
        axis = torch.arange(self.size, dtype=torch.float64) - (self.size - 1) / 2
        return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)


@dataclass(frozen=True)
class Element:
    """Names one basis kernel: the radius of its shell and its angular frequency."""

    radius: int
    frequency: int


def elements(shells: Shells, degree_in: int, degree_out: int, parity: int | None) -> tuple[Element, ...]:
    """The basis kernels of a pair of irreps; ``parity``, of both irreps together, keeps those of O(3), None all."""
    return tuple(
        Element(radius, frequency)
        for radius in shells.radii
        for frequency in shells.frequencies(radius, degree_in, degree_out)
        if parity is None or (-1) ** frequency == parity
    )


@cache
def kernel_basis(shells: Shells, degree_in: int, degree_out: int, parity: int | None = None) -> Tensor:
    """The steerable kernels of a pair of irreps, sampled.

    Each is scaled to a Frobenius norm of sqrt(2j+1), so that white noise of unit variance gives as much. Taps outside
    the ball that the cube encloses are zero: a cube cuts the outer shell at its faces and not at its corners, which
    alone makes the error under rotations up to 40 times as large.

    Args:
        shells: the radial part.
        degree_in: l.
        degree_out: j.
        parity: +1 or -1, the product of the parities of both irreps, where inversions are to be respected too.

    Returns:
        [B, 2j+1, 2l+1, size, size, size], float64, in the order of `elements`.
    """
    # Cached constants must not be inference tensors, which autograd refuses later.
    with torch.inference_mode(False), torch.no_grad():
        found = elements(shells, degree_in, degree_out, parity)
        kernels = [sampled(shells, e, degree_in, degree_out, shells.lattice) for e in found]
        scaled = [k * ((2 * degree_out + 1) ** 0.5 / k.norm()) for k in kernels]
        empty = torch.zeros(0, 2 * degree_out + 1, 2 * degree_in + 1, *[shells.size] * 3, dtype=torch.float64)
        return torch.stack(scaled) if scaled else empty


def sampled(shells: Shells, element: Element, degree_in: int, degree_out: int, positions: Tensor) -> Tensor:
    """One basis kernel (eq. 8 and 9) at any ``positions`` [..., 3] in taps: [2j+1, 2l+1, ...], not scaled."""
    lengths = positions.norm(dim=-1)
    radial = torch.exp(-0.5 * ((lengths - element.radius) / shells.width) ** 2)
    radial = radial * (lengths <= shells.size / 2)
    harmonics = o3.spherical_harmonics(element.frequency, positions, normalize=True, normalization="component")
    if element.frequency:  # no direction at the centre
        harmonics = torch.where(lengths[..., None] > 0, harmonics, torch.zeros_like(harmonics))
    symbol = o3.wigner_3j(degree_out, degree_in, element.frequency, dtype=torch.float64)
    return torch.einsum("jlm,...m->jl...", symbol, harmonics * radial[..., None])
