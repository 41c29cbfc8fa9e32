"""The kernels of the convolutional point-set representations as the paper prints them (section 2.2).

`python -m equivariance.diagnose --subject cpr_kernels_published` examines them. `corrected` has the kernels that do
what the paper claims.

Points are [..., N, 2] (x, y), of any floating-point dtype; matrices are [..., N, N]. Entries (i, i), at which the paper
divides 0 by 0, are 0. Leading axes are those of samples and channels.
"""

from __future__ import annotations

import torch
from torch import Tensor


def translation_kernel(observed: Tensor, model: Tensor) -> Tensor:
    """Computes phi_ij = y_i^O - y_j^G, [..., N, N, 2], of observed points and points of the model.

    Claimed: depends on t, and on all other parameters.
    """
    return observed.unsqueeze(-2) - model.unsqueeze(-3)


def scale_kernel(points: Tensor) -> Tensor:
    """Computes phi_ij = ||y_i - y_j||, [..., N, N].

    Claimed: does not depend on t; depends on s, r_x, r_y, r_z and the shape. It does not depend on r_z.
    """
    between = points.unsqueeze(-2) - points.unsqueeze(-3)
    return between.norm(dim=-1)


def in_plane_kernel(points: Tensor) -> Tensor:
    """Computes phi_ij = ||y_i x y_j|| / (||y_i|| ||y_j||), [..., N, N], "the sine of the angle between two vectors".

    Claimed: depends on r_z, with a sign; depends on neither t nor s. Only the claim on s is true. The vectors begin at
    the origin of the picture, a norm has no sign, and a rotation of all points keeps the angles between them.
    """
    unit = points / points.norm(dim=-1, keepdim=True)
    x, y = unit[..., 0], unit[..., 1]
    sines = x.unsqueeze(-1) * y.unsqueeze(-2) - y.unsqueeze(-1) * x.unsqueeze(-2)
    return sines.abs()


def out_of_plane_kernel(points: Tensor, third: Tensor) -> Tensor:
    """Computes phi_ijk = u_ij . u_jk with u_ij = (y_i - y_j) / ||y_i - y_j||, [..., N, N], with k = third[j].

    Claimed: does not depend on t, s and r_z. The paper does not say which vertex k is. With points [..., N, 3] it is
    the kernel of the shape, which depends on no pose.

    Args:
        points: [..., N, 2] or [..., N, 3].
        third: [N] integers, the vertex k of each j, with k different from j.
    """
    between = points.unsqueeze(-2) - points.unsqueeze(-3)
    unit = between / _without_zeros(between.norm(dim=-1, keepdim=True))
    onwards = unit[..., torch.arange(len(third), device=points.device), third, :]
    return (unit * onwards.unsqueeze(-3)).sum(-1)


def hidden(matrix: Tensor, there: Tensor) -> Tensor:
    """Sets the kernels of vertices that are not observed to zero: rows and columns of a matrix [..., N, N].

    A zero also says "perpendicular", "collinear" or "the same place"; `corrected.with_mask` has a channel instead.

    Args:
        matrix: [..., N, N].
        there: [..., N] bool.
    """
    return torch.where(there.unsqueeze(-1) & there.unsqueeze(-2), matrix, 0)


def _without_zeros(lengths: Tensor) -> Tensor:
    return torch.where(lengths > 0, lengths, 1)
