"""The laws that a tensor inside a network may obey under one symmetry, each as a rule that transforms it.

Inside a layer nobody declares anything. A law is what a tensor of the transformed run turns out to be of the same
tensor in the reference run: the same, turned on some axis, moved, reordered, selected. Laws are exact in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from equivariance.groups.elements import Transform
from equivariance.representations.wigner import wigner_d


class Law(Protocol):
    """A rule that gives a tensor of the transformed run from that of the reference run."""

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """`element` applied to a tensor of the reference run."""


@dataclass(frozen=True)
class InvariantLaw:
    """Invariant."""

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """The tensor itself."""
        return tensor


@dataclass(frozen=True)
class IrrepLaw:
    """Irreps along some axes, each axis cut into blocks of the given degrees.

    Attributes:
        axes: The axes, each with the degrees of its blocks in order
    """

    axes: tuple[tuple[int, tuple[int, ...]], ...]

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Every block of every axis times its Wigner D."""
        result = tensor.double()
        for axis, degrees in self.axes:
            pieces = result.movedim(axis, -1).split([2 * d + 1 for d in degrees], dim=-1)
            turned = [p @ wigner_d(d, 1, element).to(p.device).T for p, d in zip(pieces, degrees, strict=True)]
            result = torch.cat(turned, dim=-1).movedim(-1, axis)
        return result.to(tensor.dtype)


@dataclass(frozen=True)
class LinearLaw:
    """A linear map along one axis that depends on the element only: some basis of some representation.

    Attributes:
        axis: The axis
        matrices: Element -> the map, [d, d]
    """

    axis: int
    matrices: tuple[tuple[Transform, tuple[tuple[float, ...], ...]], ...]

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """The map that was seen at `element`."""
        matrix = torch.tensor(dict(self.matrices)[element], dtype=torch.float64, device=tensor.device)
        return (tensor.double().movedim(self.axis, -1) @ matrix).movedim(-1, self.axis).to(tensor.dtype)


@dataclass(frozen=True)
class TranslationLaw:
    """Points: the translation is added along an axis of three."""

    axis: int

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """x + t."""
        vector = torch.tensor(element.vector, dtype=torch.float64, device=tensor.device)
        return (tensor.double().movedim(self.axis, -1) + vector).movedim(-1, self.axis).to(tensor.dtype)


@dataclass(frozen=True)
class ParityLaw:
    """Even and odd entries along one axis under inversion; `signs` of one entry are for the whole tensor."""

    axis: int
    signs: tuple[int, ...]

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Odd entries with the other sign."""
        signs = torch.tensor(self.signs, dtype=tensor.dtype, device=tensor.device)
        if len(signs) == 1:
            return tensor * signs.item()
        return (tensor.movedim(self.axis, -1) * signs).movedim(-1, self.axis)


@dataclass(frozen=True)
class PermutationLaw:
    """Nodes along some axes follow the permutation.

    Attributes:
        axes: The axes, each with the number of entries that follow every node (1 where the axis lists nodes and nothing
            else); where an axis is longer than its nodes times these, it lists several samples one after the other
        renumbered: The entries are node numbers, which the permutation changes
    """

    axes: tuple[tuple[int, int], ...]
    renumbered: bool = False

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """New node i is old node order[i]."""
        order = torch.tensor(element.order or (), device=tensor.device)
        if self.renumbered:
            inside = tensor.remainder(len(order))
            tensor = order.argsort()[inside].to(tensor.dtype) + (tensor - inside)
        for axis, inner in self.axes:
            shape = tensor.shape
            grouped = tensor.reshape(*shape[:axis], -1, len(order), inner, *shape[axis + 1 :])
            tensor = grouped.index_select(axis + 1, order).reshape(shape)
        return tensor


@dataclass(frozen=True)
class SelectionLaw:
    """Samples along one axis follow the selection.

    Attributes:
        axis: The axis
        sizes: Entries of each sample, one after the other; () where samples alternate
    """

    axis: int
    sizes: tuple[int, ...]

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """New sample i is old sample samples[i]."""
        chosen = element.samples or ()
        if not self.sizes:
            shape = tensor.shape
            grouped = tensor.reshape(*shape[: self.axis], -1, element.of, *shape[self.axis + 1 :])
            picked = grouped.index_select(self.axis + 1, torch.tensor(chosen, device=tensor.device))
            return picked.reshape(*shape[: self.axis], -1, *shape[self.axis + 1 :])
        return torch.cat([tensor.split(self.sizes, self.axis)[i] for i in chosen], self.axis)
