"""References for the tests of layers: rotations of scipy, and the irreps that e3nn's harmonics induce."""

from __future__ import annotations

import numpy as np
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation

from se3unet.layers.fibers import Fibers, channels_by_degree


def haar_rotations(count: int, seed: int = 0) -> list[Rotation]:
    """Haar-random rotations, and the exact ones of the cube that send axes to axes."""
    random = Rotation.random(count, random_state=np.random.default_rng(seed))
    return [*random, *Rotation.from_euler("xyz", [[90, 0, 0], [0, 180, 0], [0, 90, 90]], degrees=True)]


def matrix(rotation: Rotation) -> torch.Tensor:
    """[3, 3] in float64."""
    return torch.from_numpy(rotation.as_matrix())


def wigner_d(degree: int, rotation: Rotation) -> torch.Tensor:
    """D_l(R) in float64: the matrix with Y_l(R x) = D_l(R) Y_l(x), by least squares over random x.

    e3nn's own D matrices are accurate to 2e-7 only under a float32 default dtype.
    """
    points = torch.from_numpy(np.random.default_rng(degree).normal(size=(64, 3)))
    before = o3.spherical_harmonics(degree, points, normalize=True, normalization="component")
    after = o3.spherical_harmonics(degree, points @ matrix(rotation).T, normalize=True, normalization="component")
    return torch.linalg.lstsq(before, after).solution.T


def rotate_fibers(fibers: Fibers, rotation: Rotation) -> Fibers:
    """Turn every fiber [..., C_l, 2l+1] by D_l(R)."""
    return {degree: feature @ wigner_d(degree, rotation).T for degree, feature in fibers.items()}


def random_fibers(irreps: o3.Irreps | str, *leading: int, seed: int = 0) -> Fibers:
    """Normal fibers [*leading, C_l, 2l+1] in float64."""
    generator = torch.Generator().manual_seed(seed)
    return {
        degree: torch.randn(*leading, count, 2 * degree + 1, generator=generator, dtype=torch.float64)
        for degree, count in channels_by_degree(irreps).items()
    }


def edge_vectors(count: int = 40, seed: int = 0) -> torch.Tensor:
    """Edge vectors [count + 8, 3] in float64: random ones, both directions of each axis, and two of length zero."""
    random = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 3)))
    axes = torch.eye(3, dtype=torch.float64)
    return torch.cat([random, axes, -axes, torch.zeros(2, 3, dtype=torch.float64)])


def perturb(module: torch.nn.Module, seed: int = 0) -> None:
    """Move every parameter off its initial value, so that no break hides behind a zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))


def largest(fibers: Fibers) -> float:
    """Largest absolute component of a fiber."""
    return max(float(feature.detach().abs().max()) for feature in fibers.values())


def largest_difference(first: Fibers, second: Fibers) -> float:
    """Largest absolute difference of two fibers with the same degrees."""
    assert first.keys() == second.keys()
    return largest({degree: first[degree] - second[degree] for degree in first})
