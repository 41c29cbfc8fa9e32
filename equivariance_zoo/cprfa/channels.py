"""The three channels of a representation: vertices of the left, of the right, and of both sides of the face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Channels:
    """The vertices of each channel (section 2.2, "Point-set selection for CPR").

    All kernels take points with leading axes, so that `kernel(channels.of(points))` is a representation of three
    channels, [..., 3, n, n].

    Attributes:
        vertices: [3, n] int64, numbers from 0 to C - 1; n = C / 2.

    >>> channels = Channels.shuffled([0, 1, 2, 3], [4, 5, 6, 7], seed=0)
    >>> channels.vertices.shape, sorted(channels.vertices[2].tolist())
    (torch.Size([3, 4]), [0, 2, 4, 6])
    >>> channels.of(torch.zeros(5, 8, 2)).shape
    torch.Size([5, 3, 4, 2])
    """

    vertices: Tensor

    @classmethod
    def shuffled(cls, left: Sequence[int], right: Sequence[int], seed: int) -> Channels:
        """Returns the channels of vertices of both sides, best first, in an order that is shuffled once.

        The third channel has every second vertex of each side.

        Args:
            left, right: As many numbers of vertices, an even number.
            seed: Seed of the order.

        Raises:
            ValueError: If the numbers of vertices differ or are odd.
        """
        if len(left) != len(right) or len(left) % 2:
            raise ValueError(f"left, right: expected as many vertices, an even number, got {len(left)}, {len(right)}")
        generator = torch.Generator().manual_seed(seed)
        rows = [torch.tensor(side, dtype=torch.int64) for side in (left, right, [*left[::2], *right[::2]])]
        return cls(torch.stack([row[torch.randperm(len(row), generator=generator)] for row in rows]))

    def of(self, values: Tensor) -> Tensor:
        """Returns values [..., C, d] of vertices by channel, [..., 3, n, d]."""
        return values[..., self.vertices.to(values.device), :]
