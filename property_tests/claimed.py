"""Functions of which three papers claim a symmetry, as printed and corrected, for the tests of the claims.

The numbers K1 to C8 are those of the list of claims: KeypointNet (K), Trans3DHead (T), CPRFA (C).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def unit(cloud: Tensor) -> Tensor:
    """Directions between points, [N, N, d]; zero on the diagonal."""
    between = cloud[:, None] - cloud[None]
    return between / between.norm(dim=-1, keepdim=True).clamp_min(1e-12)


def cross(one: Tensor, other: Tensor) -> Tensor:
    """The third component of the cross product of vectors in a plane."""
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]


class Keypoints(nn.Module):
    """K1, K2: a convolution with padding, then the mean place of a sharp map, or the mean on the circle."""

    def __init__(self, padding: str, circle: bool = False, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.circle = circle
        self.conv = nn.Conv2d(1, 2, 5, padding=2, padding_mode=padding).double()
        nn.init.normal_(self.conv.bias, 1.0, 0.1)

    def forward(self, image: Tensor) -> Tensor:
        features = self.conv(image)
        mass = features.square().flatten(2)
        mass = (mass / mass.sum(-1, keepdim=True)).view_as(features)
        return torch.stack([self._mean(mass.sum(3)), self._mean(mass.sum(2))], -1)

    def _mean(self, mass: Tensor) -> Tensor:
        length = mass.shape[-1]
        cells = torch.arange(length, dtype=mass.dtype) - (length - 1) / 2
        if not self.circle:
            return (mass * cells).sum(-1)
        angle = cells * 2 * math.pi / length
        return torch.atan2((mass * angle.sin()).sum(-1), (mass * angle.cos()).sum(-1)) * length / (2 * math.pi)


def procrustes(first: Tensor, second: Tensor) -> Tensor:
    """K3, K4: the rotation from one cloud [B, N, 3] to another."""
    one, other = (cloud - cloud.mean(1, keepdim=True) for cloud in (first, second))
    u, _, v = torch.linalg.svd(one.transpose(1, 2) @ other)
    sign = torch.det(u @ v)
    signs = torch.diag_embed(torch.stack([torch.ones_like(sign), torch.ones_like(sign), sign], -1))
    return v.transpose(1, 2) @ signs @ u.transpose(1, 2)


def unprojected_rotation(shifted: Tensor, image: Tensor, depth: Tensor) -> Tensor:
    """K7: the rotation between unprojected keypoints of two views, of which the first is an image [N, 2]."""
    first, second = (torch.cat([-uv * depth, depth], -1)[None] for uv in (shifted, image))
    return procrustes(first, second)[0]


def consistency(first: Tensor, second: Tensor) -> Tensor:
    """K8: the loss of keypoints of two views, both directions."""
    return (first - second).square().sum(-1).mean() + (second - first).square().sum(-1).mean()


def one_sided(first: Tensor, second: Tensor) -> Tensor:
    """K8, in one direction and relative to one view."""
    scale = first.square().mean()
    return (first - second).square().sum(-1).mean() / scale


class NoisyMean(nn.Module):
    """K9: noise on the keypoints, inside."""

    def forward(self, points: Tensor) -> Tensor:
        moved = points + 0.1 * torch.randn_like(points)
        return moved.mean(0)


def angles(frames: Tensor) -> Tensor:
    """Euler angles of rotations [B, 3, 3], about z, y, x."""
    pitch = -torch.asin(frames[:, 2, 0])
    yaw = torch.atan2(frames[:, 1, 0], frames[:, 0, 0])
    roll = torch.atan2(frames[:, 2, 1], frames[:, 2, 2])
    return torch.stack([roll, pitch, yaw], -1)


def euler_loss(first: Tensor, second: Tensor) -> Tensor:
    """T1: the loss of the angles of two rotations."""
    return (angles(first) - angles(second)).abs().sum(-1)


def geodesic_loss(first: Tensor, second: Tensor) -> Tensor:
    """T1, corrected: the angle between two rotations."""
    between = first @ second.transpose(1, 2)
    skew = between - between.transpose(1, 2)
    sine = torch.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], -1).norm(dim=-1)
    trace = between.diagonal(dim1=1, dim2=2).sum(-1)
    return torch.atan2(sine, trace - 1)


class SixNumbers(nn.Module):
    """T2: a rotation [B, 3, 3] from two vectors [B, 2, 3]; the cross product is along `axis`."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, vectors: Tensor) -> Tensor:
        first = torch.nn.functional.normalize(vectors[:, 0], dim=-1)
        third = torch.linalg.cross(first, vectors[:, 1], dim=self.axis)
        third = torch.nn.functional.normalize(third, dim=-1)
        second = torch.linalg.cross(third, first, dim=self.axis)
        return torch.stack([first, second, third], -1)


class Decoder(nn.Module):
    """T3, T4: queries [N, d] that read a memory [M, d]; with a transform of the value for each query, as QAMem has."""

    def __init__(self, queries: int = 0, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.value = nn.Linear(4, 4).double()
        self.transforms = nn.Parameter(torch.randn(queries, 4, 4).double()) if queries else None

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        weights = (queries @ memory.T).softmax(-1)
        read = weights @ self.value(memory)
        if self.transforms is None:
            return read
        return torch.einsum("nij,nj->ni", self.transforms, read)


def qamem(heads: int, before: bool, queries: Tensor, memory: Tensor, transforms: Tensor, out: Tensor) -> Tensor:
    """T5: attention with several heads, whose memory (before) or read value (after) is transformed for each query."""
    count, width = queries.shape[0], queries.shape[1] // heads
    keys = memory.view(-1, heads, width)
    weights = torch.einsum("nhd,mhd->hnm", queries.view(count, heads, width), keys).softmax(-1)
    if before:
        own = torch.einsum("nij,mj->nmi", transforms, memory).view(count, -1, heads, width)
        read = torch.einsum("hnm,nmhd->nhd", weights, own).reshape(count, -1)
    else:
        read = torch.einsum("hnm,mhd->nhd", weights, keys).reshape(count, -1)
        read = torch.einsum("nij,nj->ni", transforms, read)
    return read @ out


class Z5(nn.Module):
    """T7: the share of vertices whose nearest five agree in depth order; as published, or of each vertex."""

    def __init__(self, published: bool) -> None:
        super().__init__()
        self.published = published

    def forward(self, predicted: Tensor, given: Tensor) -> Tensor:
        distances = torch.cdist(given, given)
        near = distances.sort(0).indices[:, 1:6] if self.published else distances.sort(1).indices[:, 1:6]
        orders = [cloud[:, 2:] - cloud[:, 2][near] for cloud in (predicted, given)]
        return (orders[0].tanh() - orders[1].tanh()).abs().mean()


class Landmarks(nn.Module):
    """T8: three landmarks (left, right, middle) of a picture; averaged over the picture and its mirror image or not."""

    def __init__(self, averaged: bool, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.averaged, self.head = averaged, nn.Linear(64, 6).double()

    def forward(self, image: Tensor) -> Tensor:
        if not self.averaged:
            return self._once(image)
        mirrored = self._once(image.flip(-1))[:, [1, 0, 2]] * torch.tensor([-1.0, 1.0], dtype=image.dtype)
        return (self._once(image) + mirrored) / 2

    def _once(self, image: Tensor) -> Tensor:
        return self.head(image.flatten(1)).tanh().view(-1, 3, 2)


def differences(observed: Tensor) -> Tensor:
    """C1: from the points of the model, which stay, to the observed points, [N, N, 2]."""
    model = torch.linspace(-1, 1, 2 * len(observed), dtype=observed.dtype).view(-1, 2)
    return observed[:, None] - model[None]


def distances(observed: Tensor) -> Tensor:
    """C2: L_s."""
    between = observed[:, None] - observed[None]
    return between.norm(dim=-1)


def printed_turn(observed: Tensor) -> Tensor:
    """C3: L_rz as printed, |y_i x y_j| / |y_i||y_j|."""
    sine = cross(observed[:, None], observed[None]).abs()
    return sine / (observed.norm(dim=-1)[:, None] * observed.norm(dim=-1)[None])


class Turn(nn.Module):
    """C3, corrected: sine and cosine of the angle from the directions of the model to those observed."""

    def __init__(self, model: Tensor) -> None:
        super().__init__()
        self.register_buffer("model", model)

    def forward(self, observed: Tensor) -> Tensor:
        ours, theirs = unit(self.model), unit(observed)
        return torch.stack([cross(ours, theirs), (ours * theirs).sum(-1)], -1)


def bends(observed: Tensor) -> Tensor:
    """C4, C5: products of the directions i -> j and j -> k, where k is the node after j; in a plane or in space."""
    found = unit(observed)
    after = torch.stack([found[j, (j + 1) % len(observed)] for j in range(len(observed))])
    return (found * after[None]).sum(-1)


class OnMatrix(nn.Module):
    """C6: a network on the matrix of distances: a convolution, or pooling over rows and columns."""

    def __init__(self, convolution: bool, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.conv = nn.Conv2d(1, 4, 3, padding=1).double() if convolution else None
        self.mix = nn.Linear(2, 4).double()

    def forward(self, points: Tensor) -> Tensor:
        matrix = distances(points)
        if self.conv is not None:
            return self.conv(matrix[None, None]).relu().mean((0, 2, 3))
        rows = torch.stack([matrix, matrix.mean(0, keepdim=True) + matrix.mean(1, keepdim=True)], -1)
        return self.mix(rows).relu().mean((0, 1))


class Update(nn.Module):
    """C8: the new scale of a model: a step that is added, or a factor."""

    def __init__(self, factor: bool) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, observed: Tensor) -> Tensor:
        between = observed - observed.mean(0)
        size = between.norm(dim=-1).mean()
        shape = (between / size).square().sum(-1).std()
        step = 0.1 * shape
        return size * step.exp() if self.factor else size + step
