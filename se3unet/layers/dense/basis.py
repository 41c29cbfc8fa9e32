"""Angular part of the published kernels: spherical harmonics and the Wigner 3j that couple them.

Constants are computed once in float64 and cast to each dtype at its first use. They are not buffers: a module that went
through float32 and back to float64 would keep rounded values.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from se3unet.geometry.so3 import norm_and_direction, wigner_3j


@cache
def _raising(degree: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Returns the matrix [(2l+1) * 3, 2l+3] from the products Y_l (x) r to Y_{l+1}, component-normalized."""
    with torch.inference_mode(False):
        coupling = wigner_3j(degree, 1, degree + 1)
        # On the y axis only the middle component of e3nn's harmonics is non-zero: sqrt(2l+1).
        reached = float(coupling[degree, 1, degree + 1]) * (2 * degree + 1) ** 0.5
        scale = (2 * degree + 3) ** 0.5 / reached
        return (scale * coupling).flatten(0, 1).to(device, dtype)


def spherical_harmonics(max_degree: int, directions: Tensor) -> Tensor:
    """Computes real spherical harmonics of degrees 0..max_degree, normalized as in e3nn (component; l=1 is x, y, z).

    The recursion is Y_{l+1} ~ 3j(l, 1, l+1) Y_l r. A zero direction gives 1 for degree 0 and zero for other degrees.

    Args:
        max_degree: The highest degree.
        directions: [..., 3], unit vectors or zero.

    Returns:
        [..., (max_degree + 1)^2], degree l at l^2 .. (l+1)^2.
    """
    harmonics = [torch.ones_like(directions[..., :1])]
    for degree in range(max_degree):
        products = harmonics[-1].unsqueeze(-1) * directions.unsqueeze(-2)
        harmonics.append(products.flatten(-2) @ _raising(degree, directions.dtype, directions.device))
    return torch.cat(harmonics, -1)


@cache
def _coupling(degree_in: int, degree_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Returns the matrix from harmonics of degrees |i-o|..i+o to the kernels, stored in the order [2i+1, F, 2o+1]."""
    frequencies = range(abs(degree_in - degree_out), degree_in + degree_out + 1)
    with torch.inference_mode(False):
        blocks = []
        for index, frequency in enumerate(frequencies):
            symbol = wigner_3j(degree_in, degree_out, frequency).permute(2, 0, 1) * (2 * degree_out + 1) ** 0.5
            block = symbol.new_zeros(2 * frequency + 1, 2 * degree_in + 1, len(frequencies), 2 * degree_out + 1)
            block[:, :, index] = symbol
            blocks.append(block)
        return torch.cat(blocks).flatten(1).to(device, dtype)


class KernelBasis(nn.Module):
    """Angular basis of the equivariant kernels between the degrees 0..max_degree.

    K_J(r)[o, i] = sqrt(2o+1) sum_m Q_J[o, i, m] Y_Jm(r/|r|) for the frequencies J = |i-o| .. i+o, with Q_J the Wigner
    3j (SE(3)-Transformer, arXiv 2006.10503, eq. 8). Every K_J(r) has Frobenius norm sqrt(2o+1) and obeys
    K_J(R r) = D_o(R) K_J(r) D_i(R)^T. At r = 0 only the frequency 0 is non-zero.
    """

    def __init__(self, max_degree: int) -> None:
        super().__init__()
        if max_degree < 0:
            raise ValueError(f"max_degree: expected 0 or more, got {max_degree}")
        self.max_degree = max_degree

    def forward(self, vectors: Tensor) -> dict[tuple[int, int], Tensor]:
        """Evaluates the basis.

        Args:
            vectors: [..., 3] edge vectors; only their directions matter.

        Returns:
            For each pair (i, o) of degrees, source first: [..., 2o+1, 2i+1, F] with F = 2 min(i, o) + 1.
        """
        _, directions = norm_and_direction(vectors)
        harmonics = spherical_harmonics(2 * self.max_degree, directions)
        degrees = range(self.max_degree + 1)
        return {(i, o): self._pair(harmonics, i, o) for i in degrees for o in degrees}

    def _pair(self, harmonics: Tensor, degree_in: int, degree_out: int) -> Tensor:
        used = harmonics[..., (degree_in - degree_out) ** 2 : (degree_in + degree_out + 1) ** 2]
        kernels = used @ _coupling(degree_in, degree_out, harmonics.dtype, harmonics.device)
        # A view of [2i+1, F, 2o+1]: the order in which the linear maps contract it without a copy.
        stored = kernels.unflatten(-1, (2 * degree_in + 1, 2 * min(degree_in, degree_out) + 1, 2 * degree_out + 1))
        return stored.movedim(-1, -3)
