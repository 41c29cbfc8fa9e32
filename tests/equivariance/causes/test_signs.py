"""Signs that coordinates decide: of quaternions, of normals, of the axes of a point cloud."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import equivariance as eq
from equivariance.cause_catalogue import mechanism_named
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

KEPT = eq.Invariant(nodes=0, batch=None)


def findings(network, inputs, takes, gives=None, group="so3"):
    return eq.diagnose(network, (inputs,), takes, gives, group=group, samples=4).findings


def quaternion(matrix):
    """(w, x, y, z) with w >= 0 of rotation matrices [..., 3, 3]: an eigenvector."""
    xx, xy, xz, yx, yy, yz, zx, zy, zz = matrix.flatten(-2).unbind(-1)
    rows = [
        [xx + yy + zz, zy - yz, xz - zx, yx - xy],
        [zy - yz, xx - yy - zz, yx + xy, xz + zx],
        [xz - zx, yx + xy, yy - xx - zz, zy + yz],
        [yx - xy, xz + zx, zy + yz, zz - xx - yy],
    ]
    q = torch.linalg.eigh(torch.stack([torch.stack(row, -1) for row in rows], -2)).eigenvectors[..., -1]
    return torch.where(q[..., :1] < 0, -q, q)


def product(p, q):
    """conj(p) q."""
    pv, qv = torch.broadcast_tensors(p[..., 1:], q[..., 1:])
    real = p[..., :1] * q[..., :1] + (pv * qv).sum(-1, keepdim=True)
    return torch.cat([real, p[..., :1] * qv - q[..., :1] * pv - torch.linalg.cross(pv, qv)], -1)


class Relative(nn.Module):
    """Relative quaternions of frames, with or without a sign by their own real part."""

    def __init__(self, signed):
        super().__init__()
        self.signed = signed

    def forward(self, x):
        first = functional.normalize(x[:, 0], dim=-1)
        second = functional.normalize(x[:, 1] - (x[:, 1] * first).sum(-1, keepdim=True) * first, dim=-1)
        q = quaternion(torch.stack([first, second, torch.linalg.cross(first, second)], -1))
        relative = product(q[:, None], q[None])
        if self.signed:
            relative = torch.where(relative[..., :1] < 0, -relative, relative)
        return relative.tanh().sum(1)


class Normals(nn.Module):
    def __init__(self, sign):
        super().__init__()
        self.sign = sign

    def forward(self, x):
        n = torch.linalg.cross(x[:, 0], x[:, 1])
        n = n * self.sign(n, x)
        return (x * n[:, None]).sum(-1).exp()


class PrincipalAxes(nn.Module):
    def __init__(self, sign):
        super().__init__()
        self.sign = sign

    def forward(self, x):
        centred = x - x.mean(0)
        axes = torch.linalg.eigh(centred.T @ centred).eigenvectors
        axes = axes * self.sign(axes, centred)
        return (centred @ axes).sigmoid()


BROKEN = [
    (Relative(False), normal(8, 2, 3), "1x1o"),
    (Normals(lambda n, x: n[:, 2:].sign()), normal(8, 4, 3), "1x1o"),
    (Normals(lambda n, x: n.sum(-1, keepdim=True).sign()), normal(8, 4, 3), "1x1o"),
    (PrincipalAxes(lambda v, x: v[:1].sign()), normal(9, 3), "cartesian_points"),
    (PrincipalAxes(lambda v, x: torch.ones_like(v[:1])), normal(9, 3), "cartesian_points"),
]


@pytest.mark.parametrize(("network", "inputs", "takes"), BROKEN)
def test_a_sign_that_coordinates_decide_is_named(network, inputs, takes):
    found = findings(network, inputs, takes, KEPT)
    assert {(f.cause, f.mechanism) for f in found} == {("frame-dependent", "frame-sign")}, [f.evidence for f in found]
    assert all(f.fix == mechanism_named("frame-sign").remedy for f in found)


@pytest.mark.parametrize(
    ("network", "inputs", "takes"),
    [
        (Relative(True), normal(8, 2, 3), "1x1o"),
        (Normals(lambda n, x: (n * x[:, 2]).sum(-1, keepdim=True).sign()), normal(8, 4, 3), "1x1o"),
        (PrincipalAxes(lambda v, x: (x @ v).pow(3).sum(0).sign()), normal(9, 3), "cartesian_points"),
    ],
)
def test_signs_by_geometry_have_no_finding(network, inputs, takes):
    assert findings(network, inputs, takes, KEPT) == []


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[x[:, 0].argsort()] - x.mean(0),
        lambda x: (x - x.mean(0)).mul(4).round() / 4,
        lambda x: (x - x.mean(0)) * (1 + (x[:, 2:] > x[:, 2:].mean()).to(x)),
    ],
    ids=["sorted", "cells", "higher half"],
)
def test_other_choices_are_no_signs(function):
    found = findings(function, normal(9, 3), "cartesian_points", "1x1o")
    assert found
    assert all(f.mechanism != "frame-sign" for f in found)
