"""Aligns observed points with points of the model in closed form: in-plane rotation, scale and translation.

Ours: the paper learns these three parameters from its matrices. The corrected kernels give them without a network,
equivariant under similarities of the picture. Robust weights replace what a network would have to learn of outliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from equivariance_zoo.cprfa import corrected

_STEPS = 8
"""Reweightings. With 45 % outliers and 8 or more, the rotation changes by less than 0.0001 degrees."""

_SMALLEST_SPREAD = 1e-6
"""Smallest spread of residuals, over the median distance of two observed points."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """A similarity of the plane, y' = s R y + t.

    Attributes:
        rotation: R [..., 2, 2].
        scale: s [...].
        translation: t [..., 2].
        trust: [..., N] from 0 to 1, the weights of the vertices; 0 for missing ones.
    """

    rotation: Tensor
    scale: Tensor
    translation: Tensor
    trust: Tensor

    def apply(self, points: Tensor) -> Tensor:
        """Returns the images [..., M, 2] of points [..., M, 2]."""
        turned = points @ self.rotation.transpose(-1, -2)
        return self.scale[..., None, None] * turned + self.translation.unsqueeze(-2)


def align(observed: Tensor, model: Tensor, there: Tensor) -> Similarity:
    """Finds the similarity from points of the model to the observed points.

    The rotation is the direction of the sum of (cosine, sine) of `corrected.in_plane_kernel`, log s the mean of
    `corrected.scale_kernel`. A pair counts w_i w_j ||d_ij^G||^2, because the angle of a short pair is noisy. The weight
    of a vertex is w_i = (1 + (r_i / 2m)^2)^-2 (Geman-McClure) with r_i = median_j ||d_ij^O - s R d_ij^G|| and the
    median m of all r_i: t does not enter. t is the mean of `corrected.translation_kernel` by w.

    A similarity of the observed points composes with the result, and the order of the vertices does not enter. Both
    hold to rounding.

    Args:
        observed: [..., N, 2], in any unit.
        model: [..., N, 2], the projected points of the model.
        there: [..., N] bool, True for observed vertices; what is at the others is ignored, NaN included.

    Raises:
        ValueError: If the shapes do not fit, a value is not finite, or fewer than two places are observed.
    """
    observed = _checked(observed, model, there)
    valid = corrected.apart(observed, model, there)
    if not valid.flatten(-2).any(-1).all():
        raise ValueError("there: expected vertices at two places or more in each sample, got one place or none")
    turns = corrected.in_plane_kernel(observed, model, there)
    logs = corrected.scale_kernel(observed, model, there)
    theirs, ours = corrected.between(observed, there), corrected.between(model, there)
    size = _median(theirs.norm(dim=-1), valid)
    trust = there.to(observed.dtype)
    scale = _median(logs, valid).exp()
    rotation = _rotation(turns, _pair_weights(trust, ours, valid))
    for _ in range(_STEPS):
        trust = _trust(
            theirs - scale[..., None, None, None] * ours @ rotation.transpose(-1, -2).unsqueeze(-3), there, size
        )
        weights = _pair_weights(trust, ours, valid)
        rotation = _rotation(turns, weights)
        scale = ((weights * logs).sum((-1, -2)) / weights.sum((-1, -2))).exp()
    whole = Similarity(rotation, scale, torch.zeros_like(rotation[..., 0]), trust)
    offsets = corrected.translation_kernel(observed, whole.apply(model), there)
    translation = (trust.unsqueeze(-1) * offsets).sum(-2) / trust.sum(-1, keepdim=True)
    return Similarity(rotation, scale, translation, trust)


def _pair_weights(trust: Tensor, ours: Tensor, valid: Tensor) -> Tensor:
    lengths = ours.square().sum(-1)
    return torch.where(valid, trust.unsqueeze(-1) * trust.unsqueeze(-2) * lengths, 0)


def _rotation(turns: Tensor, weights: Tensor) -> Tensor:
    """Returns the rotation [..., 2, 2] in the direction of the weighted sum of (cosine, sine)."""
    total = (weights.unsqueeze(-1) * turns).sum((-2, -3))
    cosine, sine = (total / total.norm(dim=-1, keepdim=True)).unbind(-1)
    return torch.stack([torch.stack([cosine, -sine], dim=-1), torch.stack([sine, cosine], dim=-1)], dim=-2)


def _trust(misfit: Tensor, there: Tensor, size: Tensor) -> Tensor:
    """Returns the weights [..., N] of vertices from the misfits of their pairs [..., N, N, 2]."""
    lengths = torch.where(corrected.pairs_there(there), misfit.norm(dim=-1), torch.nan)
    residuals = lengths.nanmedian(-1).values
    spread = torch.maximum(2 * residuals.nanmedian(-1).values, _SMALLEST_SPREAD * size)
    return torch.where(there, 1 / (1 + (residuals / spread.unsqueeze(-1)).square()).square(), 0)


def _median(values: Tensor, valid: Tensor) -> Tensor:
    """Returns the median over the valid pairs, [...] of [..., N, N]."""
    return torch.where(valid, values, torch.nan).flatten(-2).nanmedian(-1).values


def _checked(observed: Tensor, model: Tensor, there: Tensor) -> Tensor:
    """Returns the observed points, 0 where missing."""
    if observed.shape != model.shape or observed.shape[:-1] != there.shape or observed.shape[-1:] != (2,):
        got = f"{list(observed.shape)}, {list(model.shape)}, {list(there.shape)}"
        raise ValueError(f"observed, model, there: expected shapes [..., N, 2], [..., N, 2], [..., N], got {got}")
    for name, points in (("observed", observed), ("model", model)):
        if not points[there].isfinite().all():
            raise ValueError(f"{name}: expected finite points at observed vertices, got NaN or infinity")
    return torch.where(there.unsqueeze(-1), observed, 0)
