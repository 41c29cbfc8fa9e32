"""Computes landmark heatmaps: for each landmark a Gaussian bell over the points of a cloud."""

import torch
from torch import Tensor

from equivariance_zoo.faces.errors import FaceError

SIGMA = 0.095
"""Width of the bell, in units of the normalised face (SE(3)-Unet report, section 4)."""


def heatmaps(points: Tensor, landmarks: Tensor, sigma: float = SIGMA) -> Tensor:
    """Computes h = exp(-d^2 / (2 sigma^2)) for the distance d of each point and landmark (SE(3)-Unet report, eq. 5).

    Args:
        points: [..., N, 3].
        landmarks: [..., L, 3], in the same frame, unit and dtype.
        sigma: Width of the bell, in the unit of the points.

    Returns:
        [..., N, L], from 0 (far) to 1 (at the landmark).

    Raises:
        FaceError: If the last axis is not three coordinates, the axes before the points do not fit, a coordinate is not
            finite, or sigma is not positive.
    """
    for name, tensor in (("points", points), ("landmarks", landmarks)):
        if tensor.ndim < 2 or tensor.shape[-1] != 3:
            raise FaceError(f"{name}: expected shape [..., n, 3] but got {list(tensor.shape)}")
        if not tensor.isfinite().all():
            raise FaceError(f"{name}: expected finite coordinates but got NaN or infinity")
    try:
        torch.broadcast_shapes(points.shape[:-2], landmarks.shape[:-2])
    except RuntimeError:
        shapes = f"points {list(points.shape)} and landmarks {list(landmarks.shape)}"
        raise FaceError(f"landmarks: expected the same axes before [n, 3] but got {shapes}") from None
    if not sigma > 0:
        raise FaceError(f"sigma: expected a positive width but got {sigma}")
    # Differences, not |x|^2 + |y|^2 - 2 x.y, which cancels if the cloud is far from the origin.
    squared = (points.unsqueeze(-2) - landmarks.unsqueeze(-3)).square().sum(dim=-1)
    return torch.exp(squared / (-2 * sigma**2))
