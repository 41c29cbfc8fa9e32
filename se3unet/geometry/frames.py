"""Edge-aligned frames: rotations that turn each edge to the y axis, in every degree.

In the frame of its edge, an equivariant kernel only mixes components of equal |m| (eSCN: Passaro and Zitnick 2023,
arXiv 2302.03655, section 3). No Clebsch-Gordan product remains on the edges. A turn about the edge is free, because no
kernel depends on it. It is chosen so that frames have bounded derivatives: two charts, one for z >= 0 and one for z < 0
(Duff et al. 2017, Building an orthonormal basis, revisited, eq. 2).

All tensors are component-major: the edges are the last axes, so that each product runs over them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from se3unet.geometry.so3 import wigner_3j

# Edges whose products of matrices are formed at once.
AT_ONCE = 8_192


def frame_rows(max_degree: int) -> int:
    """Returns the number of rows of packed frames of the degrees 1..max_degree."""
    return sum((2 * degree + 1) ** 2 for degree in range(1, max_degree + 1))


def frame_of(frames: Tensor, degree: int) -> Tensor:
    """Returns the matrices [2l+1, 2l+1, ...] of one degree l >= 1 in packed frames [rows, ...]."""
    start, size = frame_rows(degree - 1), 2 * degree + 1
    return frames[start : start + size * size].unflatten(0, (size, size))


def aligning_frames(directions: Tensor, max_degree: int) -> Tensor:
    """Computes the Wigner matrices s^l D_l(F) of the rotations F with F n = y, for vectors s n of length s.

    The factor s^l makes them polynomials that vanish with s. If a direction fades, the turned features fade too.

    Args:
        directions: [3, ...], s n with s in [0, 1]; a zero vector gives zero.
        max_degree: Highest degree, 1 or more.

    Returns:
        [frame_rows(max_degree), ...], the matrices of degree 1, 2, ... row by row; `frame_of` unpacks them.
    """
    frames = [_first_degree(directions)]
    for degree in range(1, max_degree):
        raising = _constant_raising(degree, directions.dtype, directions.device)
        pieces = zip(frames[-1].flatten(2).split(AT_ONCE, -1), frames[0].flatten(2).split(AT_ONCE, -1), strict=True)
        raised = [raising @ (one[:, None, :, None] * first[None, :, None]).flatten(0, 3) for one, first in pieces]
        frames.append(torch.cat(raised, -1).view(2 * degree + 3, 2 * degree + 3, *directions.shape[1:]))
    return torch.cat([frame.flatten(0, 1) for frame in frames])


def _first_degree(directions: Tensor) -> Tensor:
    """Returns rows s f_x, s n, s f_z of right-handed orthonormal frames, [3, 3, ...], of directions s n [3, ...]."""
    length = torch.linalg.vector_norm(directions, dim=0)
    is_zero = length == 0
    x, y, z = directions / torch.where(is_zero, torch.ones_like(length), length)
    side = torch.where(z < 0, -torch.ones_like(z), torch.ones_like(z))
    a = -1 / (side + z)
    b = x * y * a
    across = torch.stack([b, side + y * y * a, -y, x, y, z, 1 + side * x * x * a, side * b, -side * x])
    return (length * across).unflatten(0, (3, 3))


# A function of its own, because the compiler looks through caches and would trace the computation of the constant.
@torch.compiler.assume_constant_result
def _constant_raising(degree: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return _raising(degree, dtype, device)


@cache
def _raising(degree: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Returns the matrix [(2l+3)^2, (2l+1) 3 (2l+1) 3] from the products D_l D_1 to D_{l+1}."""
    # Cached constants must not be inference tensors, which autograd rejects later.
    with torch.inference_mode(False):
        coupling = wigner_3j(degree, 1, degree + 1).permute(2, 0, 1) * (2 * degree + 3) ** 0.5
        matrix = torch.einsum("pai,qbj->pqaibj", coupling, coupling)
        return matrix.flatten(2).flatten(0, 1).to(device, dtype)


class _Turn(torch.autograd.Function):
    """y[a, c] = sum_b frame[a, b] x_b[c], one pass over the edges per row b."""

    @staticmethod
    def forward(ctx: Any, frame: Tensor, *rows: Tensor) -> Tensor:
        ctx.save_for_backward(frame, *(rows if ctx.needs_input_grad[0] else ()))
        turned = frame[:, 0, None] * rows[0]
        for number, row in enumerate(rows[1:], 1):
            turned.addcmul_(frame[:, number, None], row)
        return turned

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        frame, *rows = ctx.saved_tensors
        to_rows = turn(frame.transpose(0, 1), gradient.unbind()).unbind()
        if not ctx.needs_input_grad[0]:
            return None, *to_rows
        to_frame = torch.stack([(gradient * row).sum(1) for row in rows], 1)
        return to_frame, *to_rows


def turn(frame: Tensor, rows: tuple[Tensor, ...]) -> Tensor:
    """Turns features by a matrix per edge.

    Args:
        frame: [A, B, E].
        rows: B components [C, E] of the C channels.

    Returns:
        [A, C, E].
    """
    return _Turn.apply(frame, *rows)
