"""The representations as modules, one layer for each kernel: what the updates read, and what the harness examines."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from equivariance_zoo.cprfa import corrected, published


class OfPoints(nn.Module):
    """A kernel within one set of points: [..., N, 2] to [..., N, N]."""

    def __init__(self, kernel: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, points: Tensor) -> Tensor:
        """Computes the matrix of a set of points."""
        return self.kernel(points)


class OfTwo(nn.Module):
    """A kernel across two sets of points, observed and of the model."""

    def __init__(self, kernel: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, observed: Tensor, model: Tensor) -> Tensor:
        """Computes the numbers of all pairs."""
        return self.kernel(observed, model)


class OfMasked(nn.Module):
    """A kernel within one set of points with the mask of the observed ones."""

    def __init__(self, kernel: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, points: Tensor, there: Tensor) -> Tensor:
        """Computes the numbers of all pairs."""
        return self.kernel(points, there)


class OfSets(nn.Module):
    """A kernel across two sets of points, observed and of the model, with the mask of the observed vertices."""

    def __init__(self, kernel: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, observed: Tensor, model: Tensor, there: Tensor) -> Tensor:
        """Computes the numbers of all pairs, or of all vertices."""
        return self.kernel(observed, model, there)


class PublishedKernels(nn.Module):
    """The printed kernels of observed points, with k = j + 1 for the third vertex, which the paper leaves open."""

    def __init__(self) -> None:
        super().__init__()
        self.translation = OfTwo(published.translation_kernel)
        self.scale = OfPoints(published.scale_kernel)
        self.in_plane = OfPoints(published.in_plane_kernel)
        self.out_of_plane = OfPoints(_next_as_third)

    def forward(self, observed: Tensor, model: Tensor) -> dict[str, Tensor]:
        """Computes the matrices of observed points [..., N, 2]; points of the model only enter that of t.

        Returns:
            `t` [..., N, N, 2]; `s`, `r_z` and `r_xy` [..., N, N].
        """
        return {
            "t": self.translation(observed, model),
            "s": self.scale(observed),
            "r_z": self.in_plane(observed),
            "r_xy": self.out_of_plane(observed),
        }


class CorrectedKernels(nn.Module):
    """The corrected kernels of observed points and points of the model."""

    def __init__(self) -> None:
        super().__init__()
        self.translation = OfSets(corrected.translation_kernel)
        self.scale = OfSets(corrected.scale_kernel)
        self.in_plane = OfSets(corrected.in_plane_kernel)
        self.out_of_plane = OfMasked(corrected.out_of_plane_kernel)

    def forward(self, observed: Tensor, model: Tensor, there: Tensor) -> dict[str, Tensor]:
        """Computes the numbers of observed points [..., N, 2].

        Args:
            observed: [..., N, 2].
            model: [..., N, 2], the projected points of the model.
            there: [..., N] bool, True for observed vertices.

        Returns:
            `t` [..., N, 2], `s` [..., N, N], `r_z` and `r_xy` [..., N, N, 2].
        """
        return {
            "t": self.translation(observed, model, there),
            "s": self.scale(observed, model, there),
            "r_z": self.in_plane(observed, model, there),
            "r_xy": self.out_of_plane(observed, there),
        }


def _next_as_third(points: Tensor) -> Tensor:
    count = points.shape[-2]
    return published.out_of_plane_kernel(points, (torch.arange(count, device=points.device) + 1) % count)
