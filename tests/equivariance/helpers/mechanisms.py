"""Small layers that are broken by one known mechanism each, and sound ones that look alike: what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import equivariance as eq
from equivariance import Report
from tests.equivariance.helpers.specimens import normal, relative


@dataclass(frozen=True)
class Mechanism:
    """One way to break a symmetry: ``build(seed)`` gives the callable; ``words`` must be in the evidence."""

    name: str
    cause: str
    symmetry: str
    build: Callable[[int], Any]
    takes: Any = "1x1o"
    gives: Any = "1x1o"
    group: Any = "so3"
    words: str = ""
    fix: str = ""
    dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.float64)

    def report(self, seed: int, dtype: torch.dtype = torch.float32, samples: int = 6) -> Report:
        args, specs = arguments(self.takes, seed, dtype)
        function = self.build(seed)
        function = function.to(dtype) if isinstance(function, nn.Module) else function
        return eq.check(function, args, specs, self.gives, group=self.group, samples=samples, seed=seed)


def arguments(takes: Any, seed: int, dtype: torch.dtype) -> tuple[tuple[Tensor, ...], tuple[Any, ...]]:
    """Points [10, 3] or vectors [6, 4, 3] for each declaration; a pair (shape, declaration) says the shape."""
    made, specs = [], []
    for index, spec in enumerate(takes if isinstance(takes, tuple) else (takes,)):
        shape, how = spec if isinstance(spec, list) else ((10, 3) if spec == "cartesian_points" else (6, 4, 3), spec)
        made.append(normal(*shape, seed=100 * index + seed, dtype=dtype))
        specs.append(how)
    return tuple(made), tuple(specs)


def weight(*shape: int, seed: int = 0) -> Tensor:
    return normal(*shape, seed=1000 + seed, dtype=torch.float64)


def matrix(seed: int) -> Callable[[Tensor], Tensor]:
    w = weight(3, 3, seed=seed)
    return lambda x: x @ w.to(x)


def mlp(inputs: int, outputs: int, seed: int) -> Callable[[Tensor], Tensor]:
    first, second = weight(inputs, 8, seed=seed), weight(8, outputs, seed=seed + 1)
    return lambda x: torch.tanh(x @ first.to(x)) @ second.to(x)


def channels(seed: int) -> Tensor:
    return weight(4, 4, seed=seed)


class Normed(nn.Module):
    """LayerNorm on x, y, z, after channels were mixed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.norm, self.mix = nn.LayerNorm(3), channels(seed)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.mix.to(x) @ x)


class Biased(nn.Module):
    """A bias that is zero at initialization."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.mix, self.bias = channels(seed), nn.Parameter(torch.zeros(4, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.mix.to(x) @ x + self.bias


class Coordinates(nn.Module):
    """nn.Linear on x, y, z, with its bias."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.linear = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


class Components(nn.Module):
    """Batch normalization whose channels are x, y, z."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.reshape(-1, 3)).reshape(x.shape)


def euler(x: Tensor) -> Tensor:
    """Matrices that turn z to the direction of x, from polar angles; columns as vectors."""
    azimuth, polar = torch.atan2(x[..., 1], x[..., 0]), torch.acos(x[..., 2] / x.norm(dim=-1))
    return torch.stack([azimuth.cos() * polar, azimuth.sin(), polar.cos()], -1)


def folded_torsions(x: Tensor, fold: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """Torsions that are 0 in exact arithmetic, folded into [0, pi), or by `fold`."""
    unit = nn.functional.normalize(x, dim=-1)
    a, b = unit.roll(1, -2), unit
    first, second = torch.cross(a, b, dim=-1), torch.cross(a, 3 * b, dim=-1)
    phi = torch.atan2((torch.cross(first, second, dim=-1) * a).sum(-1), (first * second).sum(-1))
    return fold(phi) if fold else torch.where(phi < 0, phi + torch.pi, phi) + 1


def azimuth_only(x: Tensor) -> Tensor:
    return torch.stack([torch.atan2(x[..., 1], x[..., 0]).sin(), x.norm(dim=-1)], -1)


def transposed(seed: int) -> Callable[[Tensor], Tensor]:
    """Positions of a frame that was built from the first two vectors and is applied as its transpose."""
    w = weight(3, seed=seed)

    def function(x: Tensor) -> Tensor:
        u = nn.functional.normalize(x[:, 0], dim=-1)
        v = nn.functional.normalize(torch.linalg.cross(u, x[:, 1], dim=-1), dim=-1)
        frame = torch.stack([u, v, torch.linalg.cross(u, v, dim=-1)], -2)
        return (frame @ w.to(x)).unsqueeze(-2).expand(*x.shape)

    return function


def cross(x: Tensor) -> Tensor:
    return torch.linalg.cross(x, x.roll(1, -2), dim=-1)


def quadratic(x: Tensor) -> Tensor:
    """Five components of l = 2, which is what they are, from products of coordinates."""
    from e3nn import o3

    return o3.spherical_harmonics(2, x, normalize=False)


def fixed_axis(seed: int) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.cat([x[..., :2] * (1 + 0.01 * seed), 1.5 * x[..., 2:]], -1) + 0.3 * x


def look_at(x: Tensor) -> Tensor:
    """A frame from x and the fixed direction z."""
    up = torch.tensor([0.0, 0.0, 1.0]).to(x).expand_as(x)
    return torch.linalg.cross(x, up, dim=-1)


def by_coordinate(x: Tensor) -> Tensor:
    return relative(x)[x[:, 0].argsort()]


def voxels(size: float) -> Callable[[Tensor], Tensor]:
    return lambda x: (x / size).round() * size


def occupancy(x: Tensor) -> Tensor:
    """Mean of the points of each node's voxel."""
    cell = (x / 1.5).floor()
    same = (cell[:, None] == cell[None]).all(-1).to(x)
    return x - same @ x / same.sum(-1, keepdim=True)


def eigenframe(x: Tensor) -> Tensor:
    centred = relative(x)
    vectors = torch.linalg.eigh(centred.T @ centred).eigenvectors.T
    # LAPACK's signs are arbitrary: here the first coordinate decides, as many do.
    return vectors * vectors[:, :1].sign()


def frames_transposed(x: Tensor) -> Tensor:
    """Coordinates in frames of the first two vectors, whose axes are summed over in place of the components."""
    a = x[..., 0, :] / x[..., 0, :].norm(dim=-1, keepdim=True)
    b = x[..., 1, :] - (x[..., 1, :] * a).sum(-1, keepdim=True) * a
    b = b / b.norm(dim=-1, keepdim=True)
    return torch.einsum("iax,ika->ikx", torch.stack([a, b, torch.linalg.cross(a, b)], -2), x)


def third(seed: int) -> Callable[[Tensor], Tensor]:
    constant = float(torch.tensor(1 / 10, dtype=torch.float32))
    return lambda x: (1 + seed) * (x - constant * x.sum(0))


def wrapped_energy(along: tuple[int, int, int]) -> Callable[[Tensor, Tensor], Tensor]:
    """Sum over pairs of the nearest images, which are looked for along some lattice vectors only."""

    def energy(x: Tensor, cell: Tensor) -> Tensor:
        apart = x[:, None] - x[None]
        numbers = (apart @ torch.linalg.inv(cell)).round() * torch.tensor(along).to(x)
        return torch.exp(-(apart - numbers @ cell).square().sum(-1) / 4).sum()

    return energy
