"""The computation of `EdgeLinear`, written out for one edge: slow, obvious, in float64, and with frames of its own."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from se3unet.geometry.radial import radial_basis
from se3unet.layers.fibers import Fibers
from se3unet.layers.kernel import EdgeLinear
from tests.se3unet.so3_oracle import wigner_d

Y = np.array([0.0, 1.0, 0.0])


def frame(vector: Tensor) -> Rotation:
    """Some rotation that turns a vector to the y axis."""
    direction = vector.numpy() / np.linalg.norm(vector.numpy())
    axis, cosine = np.cross(direction, Y), direction @ Y
    if np.linalg.norm(axis) == 0:
        return Rotation.identity() if cosine > 0 else Rotation.from_rotvec([np.pi, 0, 0])
    return Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.arctan2(np.linalg.norm(axis), cosine))


def aligned_kernel(linear: EdgeLinear, length: Tensor, output: int, o: int, i: int) -> Tensor:
    """sum_b g_b M_b between the degrees i and o, [C_o, 2o+1, C_i, 2i+1]."""
    outs, ins = linear.channels_outs, linear.channels_in
    matrix = torch.zeros(outs[output][o], 2 * o + 1, ins[i], 2 * i + 1, dtype=torch.float64)
    for order in range(min(i, o) + 1):
        rows = _rows(outs, output, o, order)
        columns = _rows((ins,), 0, i, order)
        weight = linear.weight[str(order)].detach()[..., rows, :, columns]
        a, b = torch.einsum("...osi,s->...oi", weight, radial_basis(length)).expand(2, -1, -1)
        matrix[:, o - order, :, i - order] = matrix[:, o + order, :, i + order] = a
        if order > 0:
            matrix[:, o - order, :, i + order] = -b
            matrix[:, o + order, :, i - order] = b
    return matrix


def _rows(fibers: tuple[dict[int, int], ...], number: int, degree: int, order: int) -> slice:
    """Where the channels of a degree are among all that have an order."""
    before = [count for channels in fibers[:number] for d, count in channels.items() if d >= order]
    before += [count for d, count in fibers[number].items() if order <= d < degree]
    return slice(sum(before), sum(before) + fibers[number][degree])


def kernel(linear: EdgeLinear, vector: Tensor, damping: float, output: int, o: int, i: int) -> Tensor:
    """s^(i+o) D_o(F)^T [sum_b g_b M_b] D_i(F), [C_o, 2o+1, C_i, 2i+1]."""
    matrix, rotation = aligned_kernel(linear, vector.norm(), output, o, i), frame(vector)
    turned = torch.einsum("ab,oaic,cd->obid", wigner_d(o, rotation), matrix, wigner_d(i, rotation))
    return damping ** (i + o) * turned


def on_edge(linear: EdgeLinear, fibers: Fibers, vector: Tensor, damping: float, output: int) -> Fibers:
    """Fibers [C_o, 2o+1] of one of the outputs on an edge, from fibers [C_i, 2i+1] of its source."""
    result: Fibers = {}
    for o, count in linear.channels_outs[output].items():
        result[o] = vector.new_zeros(count, 2 * o + 1)
        for i, feature in fibers.items():
            added = i == 1 and not linear.concatenates
            source = torch.cat([feature[:1] + vector, feature[1:]]) if added else feature
            result[o] += torch.einsum("oaic,ic->oa", kernel(linear, vector, damping, output, o, i), source)
        if linear.concatenates:
            rows = _rows(linear.channels_outs, output, o, 0)
            weight = linear.weight["0"].detach()[rows, :, -1] @ radial_basis(vector.norm())
            column = damping ** (1 + o) * vector.norm() * wigner_d(o, frame(vector))[o]
            result[o] += torch.outer(weight, column)
    return result
