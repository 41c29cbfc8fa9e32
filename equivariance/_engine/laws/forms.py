"""The laws that a tensor inside a layer may obey under one symmetry, each as a rule that transforms it.

A law gives the tensor of a transformed run from the tensor of the reference run: the same, rotated on some axis,
shifted, permuted, selected. Laws compute in float64. `candidates` and `matching` make laws; `localization` applies
them. This module fits nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from equivariance.groups.elements import Transform
from equivariance.representations.wigner import wigner_d


class Law(Protocol):
    """A rule that gives a tensor of the transformed run from the tensor of the reference run."""

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Returns the tensor of the run under `element`.

        Args:
            tensor: The tensor of the reference run.
            element: The group element.
        """


@dataclass(frozen=True)
class InvariantLaw:
    """The law of a tensor that does not change."""

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Returns the tensor itself."""
        return tensor


@dataclass(frozen=True)
class IrrepLaw:
    """Irreps along some axes. Each axis consists of blocks of the given degrees.

    Attributes:
        axes: The axes, each with the degrees of its blocks in order.
    """

    axes: tuple[tuple[int, tuple[int, ...]], ...]

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Multiplies every block of every axis by its Wigner D matrix."""
        result = tensor.double()
        for axis, degrees in self.axes:
            pieces = result.movedim(axis, -1).split([2 * d + 1 for d in degrees], dim=-1)
            turned = [p @ wigner_d(d, 1, element).to(p.device).T for p, d in zip(pieces, degrees, strict=True)]
            result = torch.cat(turned, dim=-1).movedim(-1, axis)
        return result.to(tensor.dtype)


@dataclass(frozen=True)
class LinearLaw:
    """A linear map along one axis that depends on the element only: a representation in an unknown basis.

    Attributes:
        axis: The axis.
        matrices: Pairs of an element and its map, shape [d, d].
    """

    axis: int
    matrices: tuple[tuple[Transform, tuple[tuple[float, ...], ...]], ...]

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Applies the map that was measured at `element`."""
        matrix = torch.tensor(dict(self.matrices)[element], dtype=torch.float64, device=tensor.device)
        return (tensor.double().movedim(self.axis, -1) @ matrix).movedim(-1, self.axis).to(tensor.dtype)


@dataclass(frozen=True)
class TranslationLaw:
    """Points: the translation is added along an axis of length 3, or 2 in a plane."""

    axis: int

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Returns x + t."""
        vector = torch.tensor(element.vector, dtype=torch.float64, device=tensor.device)[: tensor.shape[self.axis]]
        return (tensor.double().movedim(self.axis, -1) + vector).movedim(-1, self.axis).to(tensor.dtype)


@dataclass(frozen=True)
class ParityLaw:
    """Even and odd entries along one axis under inversion.

    Attributes:
        axis: The axis.
        signs: 1 for each even entry, -1 for each odd entry; a single sign is for the whole tensor.
    """

    axis: int
    signs: tuple[int, ...]

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Returns the tensor with odd entries negated."""
        signs = torch.tensor(self.signs, dtype=tensor.dtype, device=tensor.device)
        if len(signs) == 1:
            return tensor * signs.item()
        return (tensor.movedim(self.axis, -1) * signs).movedim(-1, self.axis)


@dataclass(frozen=True)
class PermutationLaw:
    """Nodes and edges along some axes follow the permutation.

    Attributes:
        axes: The axes of nodes, each with the number of entries per node (1 if the axis lists only nodes). If an axis
            is longer than nodes times entries, it lists several samples one after the other.
        renumbered: True if the entries are node numbers, which the permutation changes.
        edges: The axes of edges.
    """

    axes: tuple[tuple[int, int], ...]
    renumbered: bool = False
    edges: tuple[int, ...] = ()

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Permutes the tensor: new node i is old node order[i]."""
        if element.order is not None:
            tensor = self._permute_nodes(tensor, torch.tensor(element.order, device=tensor.device))
        if element.edges is not None:
            order = torch.tensor(element.edges, device=tensor.device)
            for axis in self.edges:
                tensor = tensor.index_select(axis, order)
        return tensor

    def _permute_nodes(self, tensor: Tensor, order: Tensor) -> Tensor:
        if self.renumbered:
            inside = tensor.remainder(len(order))
            numbers = order.argsort()[inside].to(tensor.dtype) + (tensor - inside)
            tensor = torch.where(tensor < 0, tensor, numbers)
        for axis, inner in self.axes:
            shape = tensor.shape
            grouped = tensor.reshape(*shape[:axis], -1, len(order), inner, *shape[axis + 1 :])
            tensor = grouped.index_select(axis + 1, order).reshape(shape)
        return tensor


@dataclass(frozen=True)
class SamplePermutationLaw:
    """Nodes along some axes follow the permutation of one sample, or each sample follows its own.

    Attributes:
        axes: The axes of nodes.
        sample: The number of the sample whose nodes are listed. None if another axis lists the samples.
        samples: The axis of the samples; None if there is one sample.
        renumbered: True if the entries are node numbers, which the permutation changes.
    """

    axes: tuple[int, ...]
    sample: int | None = None
    samples: int | None = None
    renumbered: bool = False

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Permutes the nodes; orders of edges change nothing."""
        if element.order is None or (element.sizes is None and self.sample is None):
            return tensor
        if self.samples is None:
            return self._permute(tensor, element, self.sample or 0, self.axes)
        inner = tuple(axis - (axis > self.samples) for axis in self.axes)
        pieces = [self._permute(t, element, i, inner) for i, t in enumerate(tensor.unbind(self.samples))]
        return torch.stack(pieces, self.samples)

    def _permute(self, tensor: Tensor, element: Transform, sample: int, axes: tuple[int, ...]) -> Tensor:
        order = torch.tensor(element.order_in(sample), device=tensor.device)
        if self.renumbered:
            inside = tensor.remainder(len(order))
            tensor = torch.where(tensor < 0, tensor, order.argsort()[inside].to(tensor.dtype) + (tensor - inside))
        for axis in axes:
            tensor = tensor.index_select(axis, order)
        return tensor


@dataclass(frozen=True)
class SelectionLaw:
    """Samples along one axis follow the selection.

    Attributes:
        axis: The axis.
        sizes: Number of entries of each sample, one sample after the other; () if samples alternate.
    """

    axis: int
    sizes: tuple[int, ...]

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Selects samples: new sample i is old sample samples[i]."""
        chosen = element.samples or ()
        if not self.sizes:
            shape = tensor.shape
            grouped = tensor.reshape(*shape[: self.axis], -1, element.of, *shape[self.axis + 1 :])
            picked = grouped.index_select(self.axis + 1, torch.tensor(chosen, device=tensor.device))
            return picked.reshape(*shape[: self.axis], -1, *shape[self.axis + 1 :])
        return torch.cat([tensor.split(self.sizes, self.axis)[i] for i in chosen], self.axis)
