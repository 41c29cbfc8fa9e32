"""Kernels with the dependencies that the paper claims, each from observed points to points of the model.

`alignment` computes a pose from them, and `python -m equivariance.diagnose --subject cpr_kernels` examines them.

Points are [..., N, 2] (x, y), of any floating-point dtype. `there` [..., N] is True for the vertices that are
observed; values of the others, NaN included, are ignored. Matrices are [..., N, N], further numbers on a last axis.
They are 0 on the diagonal and for pairs with a missing vertex. All kernels follow a permutation of the vertices.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pairs_there(there: Tensor) -> Tensor:
    """Returns True for pairs of two different vertices that are observed, [..., N, N]."""
    return (
        there.unsqueeze(-1) & there.unsqueeze(-2) & ~torch.eye(there.shape[-1], dtype=torch.bool, device=there.device)
    )


def apart(observed: Tensor, model: Tensor, there: Tensor) -> Tensor:
    """Returns True for the pairs of `pairs_there` whose vertices are at two places in both sets, [..., N, N]."""
    theirs, ours = (between(points, there).norm(dim=-1) > 0 for points in (observed, model))
    return theirs & ours


def translation_kernel(observed: Tensor, model: Tensor, there: Tensor) -> Tensor:
    """Computes y_i^O - y_i^G, [..., N, 2]: the diagonal of the printed matrix.

    Its mean over the observed vertices is t once all other parameters are right. The mean of a printed matrix in which
    only rows of hidden vertices are zero is biased.
    """
    return torch.where(there.unsqueeze(-1), observed - model, 0)


def scale_kernel(observed: Tensor, model: Tensor, there: Tensor) -> Tensor:
    """Computes log(||d_ij^O|| / ||d_ij^G||), d_ij = y_i - y_j, [..., N, N]; 0 for pairs that are not `apart`.

    A scaling of the observed points by s adds log s. Translations and rotations of either set change nothing.
    """
    valid = apart(observed, model, there)
    theirs, ours = (torch.where(valid, between(p, there).norm(dim=-1), 1) for p in (observed, model))
    return (theirs / ours).log()


def in_plane_kernel(observed: Tensor, model: Tensor, there: Tensor) -> Tensor:
    """Computes cosine and sine of the angle from d_ij^G to d_ij^O, [..., N, N, 2].

    A rotation of the observed points by r_z adds r_z to every angle: both numbers are a vector that rotates by r_z.
    Translation and scale of either set change nothing.
    """
    theirs, ours = _directions(observed, there), _directions(model, there)
    sine = ours[..., 0] * theirs[..., 1] - ours[..., 1] * theirs[..., 0]
    return torch.stack([(ours * theirs).sum(-1), sine], dim=-1)


def out_of_plane_kernel(points: Tensor, there: Tensor) -> Tensor:
    """Computes u_ij . m_j and u_ij x m_j, [..., N, N, 2]; m_j is the mean of u_jk over the observed k.

    No translation, scale or rotation in the plane changes it. The first number is the mean of the printed kernel over
    all k, so that no order of the vertices enters. The second changes its sign under a mirror.
    """
    unit, mean = _directions(points, there), mean_directions(points, there).unsqueeze(-3)
    across = unit[..., 0] * mean[..., 1] - unit[..., 1] * mean[..., 0]
    return torch.stack([(unit * mean).sum(-1), across], dim=-1)


def shape_kernel(points: Tensor, there: Tensor) -> Tensor:
    """Computes u_ij . m_j of points in space [..., N, 3], [..., N, N]: no rigid motion or scale changes it."""
    return (_directions(points, there) * mean_directions(points, there).unsqueeze(-3)).sum(-1)


def mean_directions(points: Tensor, there: Tensor) -> Tensor:
    """Returns m_j, the mean of u_jk over the observed k, [..., N, 2 or 3]."""
    others = pairs_there(there).sum(-1, keepdim=True).clamp_min(1)
    return _directions(points, there).sum(-2) / others


def with_mask(matrix: Tensor, there: Tensor) -> Tensor:
    """Appends the mask of the observed pairs to the numbers of a matrix: [..., N, N, c] becomes [..., N, N, c + 1]."""
    return torch.cat([matrix, pairs_there(there).unsqueeze(-1).to(matrix.dtype)], dim=-1)


def between(points: Tensor, there: Tensor) -> Tensor:
    """Returns d_ij = y_i - y_j, [..., N, N, 2 or 3]; 0 if a vertex is missing."""
    vectors = points.unsqueeze(-2) - points.unsqueeze(-3)
    return torch.where(pairs_there(there).unsqueeze(-1), vectors, 0)


def _directions(points: Tensor, there: Tensor) -> Tensor:
    """Returns u_ij = d_ij / ||d_ij||; 0 on the diagonal and if a vertex is missing."""
    vectors = between(points, there)
    lengths = vectors.norm(dim=-1, keepdim=True)
    return vectors / torch.where(lengths > 0, lengths, 1)
