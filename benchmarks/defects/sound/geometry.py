"""Coordinates taken apart and put together again."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.parts import mlp, safe_norm
from benchmarks.defects.sound.register import POINTS, PROPER, Sound
from benchmarks.defects.styles.frames import spanned

sound = Sound("geometry")


@sound("polar-angles-and-back", (POINTS,), "1x1o")
class Polar(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = mlp(1, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        r = x - x.mean(0)
        radius = safe_norm(r)
        polar, azimuth = torch.acos(r[:, 2] / radius), torch.atan2(r[:, 1], r[:, 0])
        radius = radius * self.gain(radius[:, None]).squeeze(-1)
        around = radius * polar.sin()
        return torch.stack([around * azimuth.cos(), around * azimuth.sin(), radius * polar.cos()], -1)


@sound("cylinder-and-back", (POINTS,), "1x1o")
class Cylinder(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        r = x - x.mean(0)
        width, angle, height = torch.hypot(r[:, 0], r[:, 1]), torch.atan2(r[:, 1], r[:, 0]), r[:, 2]
        gain = 1 / (1 + width.square() + height.square())
        return torch.stack([gain * width * angle.cos(), gain * width * angle.sin(), gain * height], -1)


@sound("local-frames", (POINTS,), "1x1o", PROPER)
class LocalFrames(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(3, 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        edges = x - x[:, None]
        near, wide = (torch.exp(-a * edges.square().sum(-1, keepdim=True)) for a in (1.0, 0.1))
        axes = spanned((near * edges).sum(1), (wide * edges).sum(1))
        local = torch.einsum("iax,ijx->ija", axes, edges)
        return torch.einsum("iax,ia->ix", axes, self.net(local).mean(1))


@sound("one-frame-for-all", (POINTS,), POINTS, PROPER)
class GlobalFrame(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(3, 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        centre = x.mean(0)
        r = x - centre
        length = safe_norm(r, True)
        axes = spanned((length * r).sum(0), (length**3 * r).sum(0))
        return centre + self.net(r @ axes.T) @ axes


@sound("sliced-and-recombined", ("1x1o",), None)
class Sliced(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        a, b, c = v[..., 0], v[..., 1], v[..., 2]
        flat = a * a
        flat = flat + b * b
        return (flat + c * c).sqrt()


@sound("double-cross-by-components", ("1x1o", "1x1o"), "1x1o")
class DoubleCross(nn.Module):
    @staticmethod
    def cross(a: Tensor, b: Tensor) -> Tensor:
        ax, ay, az = a.unbind(-1)
        bx, by, bz = b.unbind(-1)
        return torch.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.cross(a, self.cross(a, b))


@sound("absolute-then-differenced", (POINTS,), "1x1o")
class LateDifference(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 1))

    def forward(self, x: Tensor) -> Tensor:
        scaled = self.weight * x[:, None]
        return scaled - scaled.mean(0)


@sound("absolute-sums-of-weights-zero", (POINTS,), "1x1o")
class ZeroSum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(1, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.net((x[:, None] - x).square().sum(-1, keepdim=True)).squeeze(-1)
        return (weights - weights.mean(1, keepdim=True)) @ x


@sound("distances-by-expanded-squares", (POINTS,), None)
class Expanded(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = x - x.mean(0)
        squares = x.square().sum(-1)
        return torch.exp(-(squares[:, None] + squares - 2 * x @ x.T).clamp(min=0)).sum(1)


@sound("normalized-and-restored", (POINTS,), POINTS)
class Normalized(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.move = nn.Parameter(torch.randn(1))

    def forward(self, x: Tensor) -> Tensor:
        centre, size = x.mean(0), (x - x.mean(0)).square().mean().sqrt()
        unit = (x - centre) / size
        unit = unit + self.move * unit * safe_norm(unit, True)
        return unit * size + centre


@sound("rotated-by-rodrigues", ("1x1o", "1x1e"), "1x1o")
class Rodrigues(nn.Module):
    """Each vector turned about an axial vector, by its length."""

    def forward(self, v: Tensor, axial: Tensor) -> Tensor:
        angle = safe_norm(axial, True)
        axis = axial / angle
        along = axis * (axis * v).sum(-1, keepdim=True)
        return along + angle.cos() * (v - along) + angle.sin() * torch.linalg.cross(axis, v)


@sound("components-first", ("1x1o",), "1x1o")
class ComponentsFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv1d(4, 4, 1, bias=False)

    def forward(self, v: Tensor) -> Tensor:
        stored = v.permute(2, 0, 1)
        stored = stored.reshape(3, -1).reshape(3, len(v), 4)
        return self.mix(stored.permute(1, 2, 0)).contiguous()


@sound("interleaved-components", ("1x1o",), "1x1o")
class Interleaved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(4, 4, bias=False)

    def forward(self, v: Tensor) -> Tensor:
        flat = v.mT.flatten(1)
        x, y, z = flat.split(4, -1)
        return torch.stack([self.mix(x), self.mix(y), self.mix(z)], -1)


@sound("arbitrary-gauge", ("1x1o",), "1x1o")
class Gauge(nn.Module):
    """The axes across each vector are arbitrary; what is done to both of them is the same."""

    def forward(self, v: Tensor) -> Tensor:
        along = v / safe_norm(v, True)
        least = along.abs().argmin(-1)
        helper = nn.functional.one_hot(least, 3).to(v)
        side = torch.linalg.cross(along, helper)
        side = side / safe_norm(side, True)
        axes = torch.stack([along, side, torch.linalg.cross(along, side)], -2)
        local = torch.einsum("ncax,ncx->nca", axes, v.roll(1, 1))
        return torch.einsum("ncax,nca->ncx", axes, local * torch.tensor([2.0, 0.5, 0.5]).to(v))


@sound("angles-between-edges", (POINTS,), None)
class Angles(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        edges = x[:, None] - x
        units = edges / (safe_norm(edges, True) + 0.1)
        return torch.acos(0.99 * units @ units.mT).mean((1, 2))


@sound("cosine-of-dihedral", ("1x1o",), None)
class Dihedral(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        a, b, c = v[:, 0], v[:, 1], v[:, 2]
        left, right = torch.linalg.cross(a, b), torch.linalg.cross(b, c)
        across = (torch.linalg.cross(left, right) * b).sum(-1) / safe_norm(b)
        return torch.atan2(across, (left * right).sum(-1)).cos()


@sound("cartesian-tensors", ("1x1o", "1x1o"), "1x1o")
class Cartesian(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        outer = (a[..., :, None] * b[..., None, :]).flatten(-2)
        square = outer.unflatten(-1, (3, 3))
        trace = square.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
        square = 0.5 * (square + square.mT) - trace / 3 * torch.eye(3).to(a)
        return (square @ a.sum(1, keepdim=True)[..., None]).squeeze(-1)


@sound("skew-matrices", ("1x1o", "1x1o"), "1x1o")
class Skew(nn.Module):
    @staticmethod
    def skew(v: Tensor) -> Tensor:
        zero = torch.zeros_like(v[..., 0])
        x, y, z = v.unbind(-1)
        return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        product = self.skew(a) @ self.skew(b) @ self.skew(a)
        return torch.stack([product[..., 2, 1], product[..., 0, 2], product[..., 1, 0]], -1)


CASES = tuple(sound.cases)
