"""escnn: linear layers and nonlinearities on scalars and vectors of SO(3) and O(3), without a base space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from escnn import group, gspaces
from escnn import nn as enn
from torch import Tensor, nn

from benchmarks.mutants.example import Example
from benchmarks.mutants.modules import clouds


class Fields(nn.Module):
    """Packs scalars and vectors into a geometric tensor, and takes the result apart."""

    def __init__(self, layers: Callable[[Any], list[nn.Module]], reflections: bool) -> None:
        """Four scalars and four vectors in and out."""
        super().__init__()
        acting = group.o3_group(1) if reflections else group.so3_group(1)
        space = gspaces.no_base_space(acting)
        self.fields = enn.FieldType(space, 4 * [space.trivial_repr] + 4 * [acting.standard_representation()])
        self.layers = enn.SequentialModule(*layers(self.fields))

    def forward(self, scalars: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Returns [N, 4] and [N, 4, 3]."""
        given = enn.GeometricTensor(torch.cat([scalars, vectors.flatten(1)], -1), self.fields)
        found = self.layers(given).tensor
        return found[:, :4], found[:, 4:].unflatten(1, (4, 3))


def fields(layers: Callable[[Any], list[nn.Module]], reflections: bool = False) -> Example:
    """Scalars and vectors of seven nodes."""
    tensors = {"scalars": clouds.normal(7, 4), "vectors": clouds.normal(7, 4, 3, seed=1)}
    laws = {"scalars": clouds.FEATURES, "vectors": clouds.VECTORS}
    claims = ("rotation", *["inversion"] * reflections, "permutation")
    return Example(
        lambda: Fields(layers, reflections), tensors, laws, (clouds.FEATURES, clouds.VECTORS), unpack=tuple,
        symmetries=claims, components=(3, 16), modes=("eval",),
        built_in=torch.float32,
    )  # fmt: skip


def norms(given: Any) -> list[nn.Module]:
    """Returns two linear layers with a nonlinearity of norms between them."""
    return [enn.Linear(given, given), enn.NormNonLinearity(given), enn.Linear(given, given)]


def normalized(given: Any) -> list[nn.Module]:
    """Returns two linear layers with a normalization between them."""
    return [enn.Linear(given, given), enn.IIDBatchNorm1d(given), enn.Linear(given, given)]


MODULES = {
    "Linear, SO(3)": lambda: fields(lambda given: [enn.Linear(given, given)]),
    "Linear, NormNonLinearity, SO(3)": lambda: fields(norms),
    "Linear, NormNonLinearity, O(3)": lambda: fields(norms, reflections=True),
    "Linear, IIDBatchNorm1d, O(3)": lambda: fields(normalized, reflections=True),
}
