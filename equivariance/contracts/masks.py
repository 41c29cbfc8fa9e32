"""Recognizes the mask of a padded batch, by its name, its shape, and the positions in the rows that it leaves out.

Called by `contracts.assumptions`. A mask holds booleans, or the numbers 0 and 1. Additive masks (0 and minus infinity)
are not recognized, nor are masks of pairs of nodes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from equivariance.contracts import field_names
from equivariance.representations.mask import Mask


def mask_among(tensors: Mapping[str, Tensor], points: Tensor) -> Mask | None:
    """Returns the mask of the node axis, or None if no tensor is one.

    Args:
        tensors: The tensors of one container by name, in the spelling of `field_names.plain`.
        points: Positions, [nodes, 3] or [samples, nodes, 3].
    """
    for name, tensor in tensors.items():
        words = set(name.split("_"))
        if not words & field_names.MASKS or tensor is points:
            continue
        values = tensor.squeeze(-1) if tensor.shape[-1:] == (1,) and tensor.dim() == points.dim() else tensor
        if values.shape != points.shape[:-1] or values.dim() > 2 or not bool(((values == 0) | (values == 1)).all()):
            continue
        valid = ~values.bool() if words & field_names.PADDING else values.bool()
        if name in field_names.NODE_MASKS or _is_padding(points[~valid]):
            return Mask.of(valid)
    return None


def _is_padding(rows: Tensor) -> bool:
    """True if all rows are equal: nodes that exist do not all lie at one place."""
    return len(rows) > 1 and torch.equal(rows, rows[:1].expand_as(rows))
