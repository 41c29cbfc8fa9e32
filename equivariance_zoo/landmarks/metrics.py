"""Scores heatmaps and landmarks: pure functions on tensors with any number of leading axes.

`evaluation` and the validation of `se3unet` call this module. It draws and writes nothing.

Landmarks are read off heatmaps in two ways. `soft_landmarks` is a weighted mean of points, so that it lies a little
beneath a curved surface. `refined_landmarks` fits the bell of eq. 5 on the surface, which is sharper than the cloud.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from equivariance_zoo.faces.heatmaps import SIGMA

IOU_THRESHOLD = 0.2
"""Threshold of the heatmaps in the report's Table 1."""

FAILURE = 0.1
"""Mean error above which a face has failed, in outer interocular distances: the convention of the 300-W challenge."""

OUTER_EYE_CORNERS = (36, 45)
_PLANE_POINTS = 8
_STEPS = 3
_REACH = 2.0
_RIDGE = 0.1


def iou(predicted: Tensor, target: Tensor, threshold: float = IOU_THRESHOLD) -> Tensor:
    """Computes the intersection over union of the points at which the heatmaps are above a threshold.

    Args:
        predicted: [..., N, L] heatmaps from 0 to 1.
        target: [..., N, L], the true ones.
        threshold: Threshold of both heatmaps, between 0 and 1.

    Returns:
        [..., L], of the dtype of `predicted`, from 0 to 1. If neither heatmap has a point above the threshold, the
        value is NaN; means should leave it out (`Tensor.nanmean`).

    Raises:
        ValueError: If the shapes differ, or the threshold is out of range.
    """
    _same_shape("predicted", predicted, "target", target)
    if not 0 < threshold < 1:
        raise ValueError(f"threshold: expected a number between 0 and 1, got {threshold!r}")
    ours, theirs = predicted > threshold, target > threshold
    both, either = (ours & theirs).sum(-2), (ours | theirs).sum(-2)
    return torch.where(either > 0, both / either, torch.nan).to(predicted.dtype)


def iou_curve(predicted: Tensor, target: Tensor, thresholds: Sequence[float]) -> Tensor:
    """Computes `iou` at every threshold: [T, ..., L]. Arguments and errors are those of `iou`."""
    return torch.stack([iou(predicted, target, threshold) for threshold in thresholds])


def soft_landmarks(heatmaps: Tensor, positions: Tensor) -> Tensor:
    """Computes the mean of the points, weighted by the excess of the heatmap over half of its peak (a soft argmax).

    Subtracting half of the peak removes the background: a thousand points of 0.02 outweigh ten near the landmark.

    Args:
        heatmaps: [..., N, L], 0 or more. If a heatmap is zero everywhere, its landmark is the mean of the cloud.
        positions: [..., N, 3].

    Returns:
        [..., L, 3] in the frame, unit and dtype of the positions.

    Raises:
        ValueError: If the shapes do not fit, or a value is not finite.
    """
    _check_heatmaps(heatmaps, positions)
    return _soft(heatmaps.double(), positions.double()).to(positions.dtype)


def refined_landmarks(heatmaps: Tensor, positions: Tensor, surface: Tensor, sigma: float = SIGMA) -> Tensor:
    """Finds the places on the surface whose bells exp(-d^2 / 2 sigma^2), times a height, fit the heatmaps best.

    Runs Gauss-Newton from `soft_landmarks`, in the plane through the nearest points of the surface, over the points
    within two sigma. Without the plane the fit is ill-conditioned along the normal, where the cloud has no points.

    Args:
        heatmaps: [..., N, L], 0 or more.
        positions: [..., N, 3], the points of the heatmaps.
        surface: [..., S, 3], a dense cloud of the same surface, in the same frame; S is 8 or more.
        sigma: Width of the bell, in the unit of the positions.

    Returns:
        [..., L, 3] in the frame, unit and dtype of the positions.

    Raises:
        ValueError: If the shapes do not fit, a value is not finite, or sigma is not above 0.
    """
    _check_heatmaps(heatmaps, positions)
    _check_surface(surface, positions)
    if not sigma > 0:
        raise ValueError(f"sigma: expected a width above 0, got {sigma!r}")
    maps, points, dense = heatmaps.double(), positions.double(), surface.double()
    found = _soft(maps, points)
    for _ in range(_STEPS):
        found, normals = _on_surface(found, dense)
        found = found + _newton_step(maps, points, found, normals, sigma)
    return _on_surface(found, dense)[0].to(positions.dtype)


def landmark_error_mm(predicted: Tensor, true: Tensor, unit_mm: Tensor) -> Tensor:
    """Computes the distances of landmarks in millimetres.

    Args:
        predicted: [..., L, 3].
        true: [..., L, 3] in the same frame and unit.
        unit_mm: [...], the length of one unit in millimetres.

    Returns:
        [..., L] float64.

    Raises:
        ValueError: If the shapes do not fit.
    """
    return _distances(predicted, true) * unit_mm.double().unsqueeze(-1)


def interocular(landmarks: Tensor) -> Tensor:
    """Returns the distance of the outer eye corners (iBUG 36, 45): [...] float64 of [..., 68, 3], in their unit."""
    right, left = (landmarks[..., corner, :].double() for corner in OUTER_EYE_CORNERS)
    return torch.linalg.vector_norm(left - right, dim=-1)


def normalized_error(predicted: Tensor, true: Tensor) -> Tensor:
    """Computes distances of landmarks over the true outer interocular distance.

    Args:
        predicted: [..., 68, 3].
        true: [..., 68, 3] in the same frame and unit.

    Returns:
        [..., 68] float64.

    Raises:
        ValueError: If the shapes differ.
    """
    return _distances(predicted, true) / interocular(true).unsqueeze(-1)


def failure_rate(errors: Tensor, threshold: float = FAILURE) -> float:
    """Returns the share of faces whose error is above a threshold or NaN.

    Args:
        errors: [n], one per face: the mean of `normalized_error` over its landmarks.
        threshold: Error above which a face has failed, in the unit of the errors.

    Raises:
        ValueError: If there is no face.
    """
    return 1 - float(cumulative_errors(errors, torch.tensor([threshold], dtype=torch.float64))[0])


def cumulative_errors(errors: Tensor, grid: Tensor) -> Tensor:
    """Computes the cumulative error distribution (CED): the share of faces with an error of at most each value.

    Args:
        errors: [n], one per face.
        grid: [G] errors, in the same unit.

    Returns:
        [G] float64, from 0 to 1, non-decreasing in the grid.

    Raises:
        ValueError: If there is no face.
    """
    if errors.dim() != 1 or not len(errors):
        raise ValueError(f"errors: expected shape [n] of one face or more, got {list(errors.shape)}")
    return (errors.double() <= grid.double().unsqueeze(-1)).double().mean(-1)


def _soft(maps: Tensor, points: Tensor) -> Tensor:
    peak = maps.amax(-2, keepdim=True)
    weights = torch.where(peak > 0, (maps - peak / 2).clamp_min(0), 1.0)
    # Relative to the mean: a cloud far from the origin loses no digits.
    centre = points.mean(-2, keepdim=True)
    return weights.transpose(-1, -2) @ (points - centre) / weights.sum(-2).unsqueeze(-1) + centre


def _on_surface(places: Tensor, dense: Tensor) -> tuple[Tensor, Tensor]:
    """Projects places on the plane through the nearest surface points: places and normals, both [..., L, 3]."""
    gaps = torch.cdist(places, dense, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = gaps.topk(_PLANE_POINTS, largest=False).indices.flatten(-2)
    near = torch.gather(dense, -2, nearest.unsqueeze(-1).expand(*nearest.shape, 3))
    near = near.unflatten(-2, (places.shape[-2], _PLANE_POINTS))
    centre = near.mean(-2)
    spread = near - centre.unsqueeze(-2)
    normals = torch.linalg.eigh(spread.transpose(-1, -2) @ spread).eigenvectors[..., 0]
    return places - ((places - centre) * normals).sum(-1, keepdim=True) * normals, normals


def _newton_step(maps: Tensor, points: Tensor, places: Tensor, normals: Tensor, sigma: float) -> Tensor:
    """Computes a Gauss-Newton step [..., L, 3] of the places towards the best fitting bells, within the planes."""
    apart = points.unsqueeze(-2) - places.unsqueeze(-3)
    squared = apart.square().sum(-1)
    bell = torch.where(squared < (_REACH * sigma) ** 2, torch.exp(squared / (-2 * sigma**2)), 0.0)
    height = (bell * maps).sum(-2) / bell.square().sum(-2).clamp_min(torch.finfo(bell.dtype).tiny)
    model = height.unsqueeze(-2) * bell
    misfit = torch.where(bell > 0, maps - model, 0.0)
    across = apart - (apart * normals.unsqueeze(-3)).sum(-1, keepdim=True) * normals.unsqueeze(-3)
    slopes = model.unsqueeze(-1) * across / sigma**2
    normal_matrix = torch.einsum("...nlp,...nlq->...lpq", slopes, slopes)
    # Damped within the plane, and made regular along the normal, where the slopes are zero.
    size = normal_matrix.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None].clamp_min(1e-12)
    along = normals.unsqueeze(-1) * normals.unsqueeze(-2)
    damping = size * (_RIDGE * torch.eye(3, dtype=size.dtype, device=size.device) + along)
    gradient = torch.einsum("...nlp,...nl->...lp", slopes, misfit)
    step: Tensor = torch.linalg.solve(normal_matrix + damping, gradient)
    return step * (sigma / torch.linalg.vector_norm(step, dim=-1, keepdim=True).clamp_min(sigma))


def _distances(predicted: Tensor, true: Tensor) -> Tensor:
    _same_shape("predicted", predicted, "true", true)
    return torch.linalg.vector_norm(predicted.double() - true.double(), dim=-1)


def _same_shape(name: str, tensor: Tensor, other_name: str, other: Tensor) -> None:
    if tensor.shape != other.shape or tensor.dim() < 2:
        got = f"{list(tensor.shape)} and {list(other.shape)}"
        raise ValueError(f"{name}, {other_name}: expected the same shape [..., n, m], got {got}")


def _check_heatmaps(heatmaps: Tensor, positions: Tensor) -> None:
    fits = heatmaps.dim() >= 2 and positions.dim() == heatmaps.dim() and positions.shape[-1] == 3
    if not fits or heatmaps.shape[:-1] != positions.shape[:-1] or not heatmaps.shape[-2]:
        got = f"{list(heatmaps.shape)} and {list(positions.shape)}"
        raise ValueError(f"heatmaps, positions: expected shapes [..., N, L] and [..., N, 3], got {got}")
    for name, tensor in (("heatmaps", heatmaps), ("positions", positions)):
        if not tensor.isfinite().all():
            raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")


def _check_surface(surface: Tensor, positions: Tensor) -> None:
    fits = surface.dim() == positions.dim() and surface.shape[-1] == 3 and surface.shape[:-2] == positions.shape[:-2]
    if not fits or surface.shape[-2] < _PLANE_POINTS:
        expected = f"{[*positions.shape[:-2], 'S', 3]} with S of {_PLANE_POINTS} or more"
        raise ValueError(f"surface: expected shape {expected}, got {list(surface.shape)}")
    if not surface.isfinite().all():
        raise ValueError("surface: expected finite numbers, got NaN or infinity")
