"""Which parameters of eq. 2 each kernel depends on: what the paper claims, and what is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from equivariance_zoo.cprfa import corrected, published
from equivariance_zoo.cprfa.model3d import LinearShape, Pose

CHANGES = {"t": "(13, -7) px", "s": "1.3", "r_z": "20 deg", "r_x": "20 deg", "r_y": "20 deg", "shape": "a person",
           "mirror": "left, right"}  # fmt: skip
SAME = 1e-9
"""A relative change below it is none."""

_ANGLES = np.radians([10.0, 25.0, 15.0])
_SCALE, _ASIDE = 8.0, (30.0, -20.0)


@dataclass(frozen=True)
class Kernel:
    """A kernel of observed points and points of the model, and the parameters that it must and must not depend on.

    Attributes:
        of: Computes it from observed points [N, 2 or 3] and the points of the model [N, 2].
        responds, ignores: Names in `CHANGES`; neither contains a name without a claim.
        middle: True if the head is in the middle of the picture, t = 0.
        space: True if the observed points have a depth.
    """

    of: Callable[[Tensor, Tensor], Tensor]
    responds: str
    ignores: str = ""
    middle: bool = False
    space: bool = False

    def claim(self, name: str) -> bool | None:
        """True if the kernel must change, False if it must not, None without a claim."""
        return True if name in self.responds.split() else False if name in self.ignores.split() else None


def _third(points: Tensor) -> Tensor:
    return (torch.arange(len(points)) + 1) % len(points)


def _all(points: Tensor) -> Tensor:
    return torch.ones(len(points), dtype=torch.bool)


PRINTED = {
    "translation": Kernel(published.translation_kernel, "t s r_z r_x r_y shape"),
    "scale": Kernel(lambda y, _: published.scale_kernel(y), "s r_z r_x r_y shape", "t"),
    "in-plane rotation": Kernel(lambda y, _: published.in_plane_kernel(y), "r_z r_x r_y shape", "t s"),
    "in-plane rotation, t = 0": Kernel(
        lambda y, _: published.in_plane_kernel(y), "r_z r_x r_y shape", "t s", middle=True
    ),
    "out-of-plane rotation": Kernel(
        lambda y, _: published.out_of_plane_kernel(y, _third(y)), "r_x r_y shape", "t s r_z"
    ),
    "shape, in space": Kernel(
        lambda y, _: published.out_of_plane_kernel(y, _third(y)), "shape", "t s r_z r_x r_y", space=True
    ),
}
CORRECTED = {
    "translation": Kernel(lambda y, m: corrected.translation_kernel(y, m, _all(y)), "t s r_z r_x r_y shape"),
    "scale": Kernel(lambda y, m: corrected.scale_kernel(y, m, _all(y)), "s r_x r_y shape", "t r_z mirror"),
    "in-plane rotation": Kernel(
        lambda y, m: corrected.in_plane_kernel(y, m, _all(y)), "r_z r_x r_y shape mirror", "t s"
    ),
    "out-of-plane rotation": Kernel(
        lambda y, _: corrected.out_of_plane_kernel(y, _all(y)), "r_x r_y shape mirror", "t s r_z"
    ),
    "shape, in space": Kernel(
        lambda y, _: corrected.shape_kernel(y, _all(y)), "shape", "t s r_z r_x r_y mirror", space=True
    ),
}


def response(kernel: Kernel, shape: LinearShape, name: str) -> float:
    """Returns the relative change ||K' - K|| / ||K|| of a kernel, over pairs of two vertices, under one change."""
    model = torch.from_numpy(Pose.of_angles(0, 0, 0, _SCALE).project(shape.mean))
    before, after = (kernel.of(_points(kernel, shape, change), model) for change in ("", name))
    if before.dim() > 1 and before.shape[0] == before.shape[1]:
        off = ~torch.eye(len(before), dtype=torch.bool)
        before, after = before[off], after[off]
    return float((after - before).norm() / before.norm())


def _points(kernel: Kernel, shape: LinearShape, change: str) -> Tensor:
    """Returns the observed points of a head before a change (""), or after it."""
    turn = np.array([change == name for name in ("r_x", "r_y", "r_z")]) * np.radians(20)
    place = np.zeros(2) if kernel.middle else np.array(_ASIDE)
    shift = np.array([13.0, -7.0]) * (change == "t")
    scale = _SCALE * (1.3 if change == "s" else 1.0)
    pitch, yaw, roll = (_ANGLES + turn).tolist()
    pose = Pose.of_angles(pitch, yaw, roll, scale)
    weights = np.zeros(len(shape.modes))
    if change == "shape":
        weights[: shape.identities] = np.random.default_rng(0).standard_normal(shape.identities)
    points = scale * shape.points(weights) @ pose.rotation.T
    if change == "mirror":
        points = points * [-1, 1, 1]
    points[:, :2] += place + shift
    return torch.from_numpy(points if kernel.space else points[:, :2].copy())


def row(name: str, kernel: Kernel, shape: LinearShape) -> str:
    """Returns a line of the table; a claim that is wrong stands in bold."""
    return f"| {name} | " + " | ".join(_cell(kernel.claim(c), response(kernel, shape, c)) for c in CHANGES) + " |"


def _cell(claim: bool | None, measured: float) -> str:
    told = "0" if measured < SAME else f"{measured:.2f}"
    if claim is None or claim == (measured >= SAME):
        return told
    return f"**{told}**, claimed: {'changes' if claim else 'the same'}"
