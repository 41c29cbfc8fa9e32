"""Small networks, each sound, and broken by one statement if its argument says so."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn


class Centroid(nn.Module):
    """The centre of mass of an image, in cells from the middle; `bend` bends the coordinates."""

    def __init__(self, bend: float = 0.0) -> None:
        super().__init__()
        self.bend = bend

    def forward(self, image: Tensor) -> Tensor:
        rows, columns = (torch.arange(n, dtype=image.dtype) - (n - 1) / 2 for n in image.shape[2:])
        mass = image[:, 0] / image[:, 0].sum((1, 2), keepdim=True)
        found = torch.stack([(mass * rows[:, None]).sum((1, 2)), (mass * columns).sum((1, 2))], -1)
        found = found * (1 + self.bend * found)
        return found


class Ramped(nn.Module):
    """A convolution without padding, and a ramp along the columns."""

    def __init__(self, ramp: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.ramp = nn.Conv2d(1, 2, 3).double(), ramp

    def forward(self, image: Tensor) -> Tensor:
        found = self.conv(image)
        found = found + self.ramp * torch.arange(found.shape[-1], dtype=found.dtype)
        return found


def render(points: Tensor) -> Tensor:
    """Blobs at points of a plane, [1, 1, 24, 24], four cells for each unit."""
    cells = torch.arange(24, dtype=points.dtype) - 11.5
    rows, columns = (4 * points[:, axis, None, None] for axis in (0, 1))
    return torch.exp(-((cells[:, None] - rows) ** 2 + (cells[None] - columns) ** 2)).sum(0)[None, None]


class Centre(nn.Module):
    """The centre of mass in units of the scene, bent."""

    def __init__(self, bend: float = 0.0) -> None:
        super().__init__()
        self.bend = bend

    def forward(self, image: Tensor) -> Tensor:
        cells = (torch.arange(24, dtype=image.dtype) - 11.5) / 4
        mass = image[0, 0] / image.sum()
        centre = torch.stack([(mass * cells[:, None]).sum(), (mass * cells).sum()])
        centre = centre + self.bend * centre.square()
        return centre


class Circle(nn.Module):
    """The mean on the circle along each axis of an image, in cells from the middle."""

    def __init__(self, bend: float = 0.0) -> None:
        super().__init__()
        self.bend = bend

    def forward(self, image: Tensor) -> Tensor:
        found = torch.stack([self._mean(image[:, 0].sum(2)), self._mean(image[:, 0].sum(1))], -1)
        found = found + self.bend * found.square()
        return found

    @staticmethod
    def _mean(mass: Tensor) -> Tensor:
        length = mass.shape[-1]
        angle = (torch.arange(length, dtype=mass.dtype) - (length - 1) / 2) * 2 * math.pi / length
        sine, cosine = ((mass * wave).sum(-1) for wave in (angle.sin(), angle.cos()))
        return torch.atan2(sine, cosine) * length / (2 * math.pi)


class Marks(nn.Module):
    """Left, right and middle share of the columns' mass."""

    def __init__(self, bias: float = 0.0) -> None:
        super().__init__()
        self.bias = bias

    def forward(self, image: Tensor) -> Tensor:
        columns = image[:, 0].sum(1)
        place = torch.arange(image.shape[-1], dtype=image.dtype) - (image.shape[-1] - 1) / 2
        left, right = ((columns * side).sum(1) for side in (place < 0, place > 0))
        right = right * (1 + self.bias)
        return torch.stack([left, right, left + right], -1)


class PairMatrix(nn.Module):
    """Distances of all pairs, summed up along the list if broken."""

    def __init__(self, running: bool = False) -> None:
        super().__init__()
        self.running = running

    def forward(self, points: Tensor) -> Tensor:
        found = torch.cdist(points, points)
        if self.running:
            found = found.cumsum(0)
        return found


class Procrustes(nn.Module):
    """The rotation between two clouds [B, N, 3], with a constant on the covariance."""

    def __init__(self, constant: float = 0.0) -> None:
        super().__init__()
        self.constant = constant

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        one, other = (cloud - cloud.mean(1, keepdim=True) for cloud in (first, second))
        covariance = one.transpose(1, 2) @ other
        covariance = covariance + self.constant
        u, _, v = torch.linalg.svd(covariance)
        sign = torch.det(u @ v)
        signs = torch.diag_embed(torch.stack([torch.ones_like(sign), torch.ones_like(sign), sign], -1))
        return v.transpose(1, 2) @ signs @ u.transpose(1, 2)


class Heights(nn.Module):
    """The sum of heights along z, and of a share of x."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = share

    def forward(self, points: Tensor) -> Tensor:
        heights = points[:, 2].sin()
        heights = heights + self.share * points[:, 0]
        return heights.sum()


class Extent(nn.Module):
    """The sum of distances from the centroid, with a constant length."""

    def __init__(self, constant: float = 0.0) -> None:
        super().__init__()
        self.constant = constant

    def forward(self, points: Tensor) -> Tensor:
        lengths = (points - points.mean(0)).norm(dim=-1)
        lengths = lengths + self.constant
        return lengths.sum()


class LogExtent(Extent):
    """The logarithm of the extent."""

    def forward(self, points: Tensor) -> Tensor:
        return super().forward(points).log()


class Lens(nn.Module):
    """Image coordinates, with the depth or without, through a lens that bends rays."""

    def __init__(self, bend: float = 0.0, depth: bool = False) -> None:
        super().__init__()
        self.bend, self.depth = bend, depth

    def forward(self, points: Tensor) -> Tensor:
        image = -2 * points[:, :2] / points[:, 2:]
        image = image * (1 + self.bend * image.square().sum(-1, keepdim=True))
        return torch.cat([image, points[:, 2:]], -1) if self.depth else image


class Axes(nn.Module):
    """Principal axes of clouds [B, N, 3]; components below zero are cut if broken."""

    def __init__(self, cut: bool = False) -> None:
        super().__init__()
        self.cut = cut

    def forward(self, cloud: Tensor) -> Tensor:
        axes = torch.linalg.eigh(cloud.transpose(-1, -2) @ cloud)[1]
        if self.cut:
            axes = axes.relu()
        return axes


class Angles(nn.Module):
    """Euler angles of rotations [B, 3, 3] about fixed axes, times a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, frames: Tensor) -> Tensor:
        angles = torch.from_numpy(Rotation.from_matrix(frames.detach().numpy()).as_euler("xyz")).to(frames)
        angles = angles * self.factor
        return angles


class Coefficients(nn.Module):
    """Even and odd coefficients of a face: the sums and differences of mirrored points; a share is mixed if broken."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = share

    def forward(self, points: Tensor) -> Tensor:
        even, odd = points[:, 1].square().sum(), points[:, 0].sum()
        odd = odd + self.share * even
        return torch.stack([even, odd])


class Memory(nn.Module):
    """A learned transform for each query, and a number of its place."""

    def __init__(self, place: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.transforms, self.place = nn.Parameter(torch.randn(5, 4, 4, dtype=torch.float64)), place

    def forward(self, queries: Tensor) -> Tensor:
        found = torch.einsum("nij,nj->ni", self.transforms, queries)
        found = found + self.place * torch.arange(5)[:, None]
        return (found @ found.T).softmax(-1) @ found


class Seen(nn.Module):
    """Differences from the mean of the rows that are there, or of all rows."""

    def __init__(self, aware: bool = True) -> None:
        super().__init__()
        self.aware = aware

    def forward(self, points: Tensor, seen: Tensor) -> Tensor:
        there = seen.to(points.dtype)[:, None]
        weights = there if self.aware else torch.ones_like(there)
        centre = (points * weights).sum(0) / weights.sum()
        return (points - centre) * there


class Views(nn.Module):
    """A sum over two views, of which the second has a weight."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.weight = nn.Linear(3, 4).double(), weight

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        one = self.body(first).tanh()
        two = self.body(second).tanh()
        two = two * self.weight
        return (one + two).sum()


class Noisy(nn.Module):
    """The mean of points with noise, bent if broken."""

    def __init__(self, bend: float = 0.0) -> None:
        super().__init__()
        self.bend = bend

    def forward(self, points: Tensor) -> Tensor:
        moved = points + 0.1 * torch.randn_like(points)
        centre = moved.mean(0)
        centre = centre + self.bend * centre.relu()
        return centre


class Segments(nn.Module):
    """Labels of cells by a threshold, times the column if broken."""

    def __init__(self, place: int = 0) -> None:
        super().__init__()
        self.place = place

    def forward(self, image: Tensor) -> Tensor:
        labels = (image > 0.5).long()
        labels = labels + self.place * torch.arange(image.shape[-1])
        return labels


class Turn(nn.Module):
    """Sine of the angle from a fixed set to the points, across the sets; or the length only if broken."""

    model: Tensor

    def __init__(self, blind: bool = False) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(9)
        self.register_buffer("model", torch.randn(9, 2, generator=generator, dtype=torch.float64))
        self.blind = blind

    def forward(self, points: Tensor) -> Tensor:
        ours, theirs = (cloud[:, None] - cloud[None] for cloud in (self.model, points))
        if self.blind:
            return theirs.norm(dim=-1)
        return ours[..., 0] * theirs[..., 1] - ours[..., 1] * theirs[..., 0]


class Stretched(nn.Module):
    """Distances in a plane, whose axes have weights."""

    weights: Tensor

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor([1.0, weight], dtype=torch.float64))

    def forward(self, points: Tensor) -> Tensor:
        between = points - points.mean(0)
        weighted = between * self.weights
        return weighted.norm(dim=-1).sum()


class Mass(nn.Module):
    """The squared masses of momenta [E, x, y, z], and a share of the energy."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = share

    def forward(self, momenta: Tensor) -> Tensor:
        squares = momenta.square() * torch.tensor([1.0, -1, -1, -1], dtype=momenta.dtype)
        masses = squares.sum(-1)
        energies = self.share * momenta[:, 0]
        return masses + energies


def lorentz_generators() -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Returns three boosts and three turns of the Lorentz algebra, as nested tuples."""
    found = []
    for i, j in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)):
        made = np.zeros((4, 4))
        made[i, j], made[j, i] = 1, 1 if i == 0 else -1
        found.append(tuple(tuple(float(v) for v in row) for row in made))
    return tuple(found)
