"""Farthest point sampling, per sample and equivariant.

`layers.pool` and the model call it. It connects no points (`graph`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from se3unet.geometry.ties import priorities

# Relative difference of two distances that counts as a tie, in both dtypes. It is the rounding, in the short distance
# from a point to the nearest pick, of float32 coordinates a few sizes of the cloud away from the origin.
FARTHEST_TIE = 2e-5
# The relative difference of two squared distances that counts as a tie.
TIE_SHARE = (1 - FARTHEST_TIE) ** 2

# A pick is fully present if its distance to earlier picks exceeds the largest remaining gap by this share.
FADE = 0.3
# Least presence of a pick: large enough to normalize weights if it is the only neighbour.
LEAST_PRESENCE = 1e-12


@dataclass(frozen=True)
class Sample:
    """Points picked from each cloud.

    Attributes:
        picks: [B, M] int64 node numbers, farthest from the centroid first.
        presence: [B, M] in (0, 1], 1 for picks that rounding cannot replace by another point.
    """

    picks: Tensor
    presence: Tensor


def kept_points(points: int, ratio: float) -> int:
    """Returns the number of points left if the fraction `ratio` is dropped, rounded up: 1,024 and 0.35 give 666."""
    # 0.29 * 100 is 28.999999999999996: the small number keeps a product that should be an integer from rounding down.
    return points - math.floor(points * ratio + 1e-9)


class FarthestPointSampling(nn.Module):
    """Picks points one by one, each the farthest from all earlier picks, starting farthest from the centroid.

    Start and ties follow `priorities`. Only distances within the sample are read, so that the picks do not depend on
    the frame, the order of the nodes or other samples. Picks are returned by priority, farthest from the centroid
    first. The order of picking would be unique too, but rounding changes it more often.

    The choice is discrete. If two points are equally far at the last pick, the last bit decides between them. A pick
    fades as its distance approaches that of the best point left out, so that sums over the picks are continuous.
    """

    def __init__(self, ratio: float) -> None:
        """Sets the fraction of the points to drop, 0 <= ratio < 1."""
        super().__init__()
        if not 0 <= ratio < 1:
            raise ValueError(f"ratio: expected a fraction of points to drop, 0 <= ratio < 1, got {ratio}")
        self.ratio = ratio

    def forward(self, positions: Tensor) -> Sample:
        """Samples each cloud.

        Args:
            positions: [B, N, 3] float32 or float64.

        Returns:
            M = kept_points(N, ratio) picks per sample, constants for automatic differentiation.
        """
        # In float64 the comparisons add no rounding to that of the coordinates.
        points, ranks = positions.detach().double(), priorities(positions)
        chosen, distances, left_out = _picks(points, ranks, kept_points(points.shape[-2], self.ratio))
        presence = _presence(distances.sqrt(), left_out.clamp(min=0).sqrt())
        order = ranks.gather(-1, chosen).argsort(-1, descending=True)
        return Sample(chosen.gather(-1, order), presence.gather(-1, order).to(positions.dtype))

    def extra_repr(self) -> str:
        """Shows the fraction."""
        return f"ratio={self.ratio}"


@torch.compiler.disable
def _picks(points: Tensor, ranks: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Picks points by the implementation that is fastest on the device."""
    pick = _pick_on_cpu if points.device.type == "cpu" else _pick
    return pick(points, ranks, count)


def _pick(points: Tensor, ranks: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Picks `count` of the points [B, N, 3]; ties go to the higher of ranks [B, N].

    Every pick depends on all earlier picks, so that the loop cannot be avoided. Each step is batched.

    Returns:
        Picks [B, M] in the order of picking; their squared distances to earlier picks, [B, M], infinite for the first;
        the largest squared distance of a point left out, [B, 1], -1 if all points are picked.
    """
    samples = torch.arange(len(points), device=points.device)
    squares = torch.full_like(points[..., 0], math.inf)
    picks, distances = [], []
    for _ in range(count):
        is_farthest = squares >= TIE_SHARE * squares.amax(-1, keepdim=True)
        pick = torch.where(is_farthest, ranks, -1).argmax(-1)
        picks.append(pick)
        distances.append(squares[samples, pick])
        to_pick = (points - points[samples, pick].unsqueeze(-2)).square().sum(-1)
        squares = torch.minimum(squares, to_pick).index_put((samples, pick), to_pick.new_tensor(-1.0))
    return torch.stack(picks, -1), torch.stack(distances, -1), squares.amax(-1, keepdim=True)


def _pick_on_cpu(points: Tensor, ranks: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Does the same as `_pick` in NumPy. The arrays of one step are small, and NumPy calls cost a fifth of PyTorch's.

    The points are first sorted by rank, so that of tied points the first is picked.
    """
    order = ranks.argsort(-1, descending=True).numpy()
    coordinates = np.take_along_axis(points.movedim(-1, 0).numpy(), order[None], -1)
    samples, away = np.arange(len(order)), np.empty_like(coordinates)
    squares = np.full(order.shape, math.inf)
    picks = np.empty((len(order), count), dtype=np.int64)
    distances = np.empty((len(order), count))
    for step in range(count):
        pick = (squares >= TIE_SHARE * squares.max(1, keepdims=True)).argmax(1)
        picks[:, step], distances[:, step] = pick, squares[samples, pick]
        np.subtract(coordinates, coordinates[:, samples, pick, None], out=away)
        np.square(away, out=away)
        np.minimum(squares, away.sum(0), out=squares)
        squares[samples, pick] = -1.0
    numbers = np.take_along_axis(order, picks, 1)
    return torch.from_numpy(numbers), torch.from_numpy(distances), torch.from_numpy(squares.max(1, keepdims=True))


def _presence(distances: Tensor, left_out: Tensor) -> Tensor:
    """Returns the presence [B, M] of picks from their distances [B, M], and that of the best omitted point, [B, 1]."""
    # Halfway between the last pick and the best point left out: a value that is symmetric in the two.
    rim = (distances.amin(-1, keepdim=True) + left_out) / 2
    faded = ((distances / rim - 1) / FADE).clamp(0, 1)
    risen = LEAST_PRESENCE + (1 - LEAST_PRESENCE) * faded.square() * (3 - 2 * faded)
    return torch.where(distances.isinf() | (left_out <= 0), torch.ones_like(risen), risen)
