"""Lattice vectors, and the shifts of edges that lead to images of nodes.

`contracts.crystals` puts them in place of the declared representations of such tensors. Positions move with their nodes
(`CartesianPoints`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from equivariance.errors import ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import NodeAxis
from equivariance.representations.base import Part
from equivariance.representations.crystals.crystal_rows import crystal_of
from equivariance.representations.irreps import Irreps


@dataclass(frozen=True)
class LatticeVectors(Irreps):
    """Three lattice vectors as rows, [..., 3, 3]. They turn as vectors and list no nodes.

    A contract with lattice vectors claims the symmetry "lattice": an atom is the same atom if it is moved by a lattice
    vector. Every lattice vector counts as periodic, unless an input named `pbc` says otherwise.

    >>> torch.equal(LatticeVectors().transform(torch.eye(3), Transform()), torch.eye(3))
    True
    """

    irreps: str = "1x1o"
    nodes: NodeAxis = field(default=None, kw_only=True)
    degree: float = field(default=1.0, kw_only=True)

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the last axes are three vectors with three components."""
        super().check(tensor, path)
        if tensor.dim() < 2 or tensor.shape[-2] % 3:
            raise ContractError(path, f"tensor of shape {tuple(tensor.shape)}", "[..., 3, 3], for lattice vectors")

    def in_lattice(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Doubles one lattice vector of each cell if the element doubles cells."""
        if element.doubled is None:
            return tensor
        factors = torch.ones(3, 1, dtype=tensor.dtype, device=tensor.device)
        factors[element.doubled] = 2
        return (tensor.reshape(-1, 3, 3) * factors).reshape(tensor.shape)


@dataclass(frozen=True)
class EdgeShifts(Irreps):
    """The lattice vectors from the cell of a target to the cell of its image, one row for each edge: [edges, 3].

    Attributes:
        irreps: "3x0e" for whole numbers of lattice vectors, "1x1o" for vectors in space.
    """

    irreps: str = "3x0e"
    nodes: NodeAxis = field(default=None, kw_only=True)
    edges: int | None = field(default=0, kw_only=True)

    def in_lattice(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Changes the shifts of edges whose nodes are moved; lists the edges of doubled cells."""
        crystal = crystal_of(element)
        if element.images is not None:
            change = crystal.shift_changes(element.images)
            return self._plus(tensor, change if self.irreps == "3x0e" else crystal.shifts_in_space(change))
        if element.doubled is None or (edges := crystal.doubled_edges(element.doubled)) is None:
            return tensor
        rows = edges.shifts
        if self.irreps != "3x0e":
            stretched = rows * np.where(np.arange(3) == element.doubled, 2, 1)
            first, second = np.split(stretched, 2)
            rows = np.concatenate([crystal.shifts_in_space(first), crystal.shifts_in_space(second)])
        return torch.from_numpy(rows).to(tensor)

    def _plus(self, tensor: torch.Tensor, change: np.ndarray) -> torch.Tensor:
        wide = tensor.to(torch.float64) if tensor.is_floating_point() else tensor
        return (wide + torch.from_numpy(change).to(tensor.device)).to(tensor.dtype)

    def parts(self, values: torch.Tensor) -> Iterator[Part]:
        """Yields the whole tensor."""
        yield Part("", values)
