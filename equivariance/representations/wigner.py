"""Real Wigner D matrices in e3nn's basis, float64, computed from the spherical harmonics.

The defining relation Y_l(R x) = D_l(R) Y_l(x) is solved for D_l on a fixed set of directions. The result has e3nn's
basis by construction and is accurate to a few 1e-15 for any default dtype. e3nn's own `D_from_matrix` has errors of
2e-7 under float32, because its constants are stored in the default dtype.

Called by `Irreps`. The module transforms no tensors.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from equivariance.groups.elements import Transform


def wigner_d(degree: int, parity: int, element: Transform) -> torch.Tensor:
    """Returns the matrix D of an irrep, [2l+1, 2l+1] float64 on the CPU.

    An improper element is the inversion times a rotation. The inversion acts as the parity.

    Args:
        degree: The degree l.
        parity: +1 or -1.
        element: The element of O(3); its translation is ignored.
    """
    sign = parity if element.determinant < 0 else 1
    proper = _compute_rotation(degree, element.proper.matrix)
    return proper if sign == 1 else -proper


@lru_cache(maxsize=4096)
def _compute_rotation(degree: int, matrix: tuple[tuple[float, ...], ...]) -> torch.Tensor:
    """Returns D of a proper rotation."""
    directions, inverse = _directions(degree)
    rotated = directions @ torch.tensor(matrix, dtype=torch.float64, device="cpu").T
    return (inverse @ _harmonics(degree, rotated)).T.contiguous()


@lru_cache(maxsize=64)
def _directions(degree: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns Fibonacci directions [P, 3] and the pseudo-inverse [2l+1, P] of their harmonics."""
    count = 8 * (2 * degree + 1)
    index = np.arange(count) + 0.5
    height = 1 - 2 * index / count
    azimuth = np.pi * (1 + np.sqrt(5)) * index
    radius = np.sqrt(1 - height**2)
    points = np.stack([radius * np.cos(azimuth), height, radius * np.sin(azimuth)], axis=-1)
    directions = torch.from_numpy(points)
    return directions, torch.linalg.pinv(_harmonics(degree, directions))


def _harmonics(degree: int, directions: torch.Tensor) -> torch.Tensor:
    """Returns e3nn's harmonics Y_l of directions [P, 3], with component normalization."""
    from e3nn import o3  # imported here: it costs a second

    return o3.spherical_harmonics(degree, directions, normalize=True, normalization="component")
