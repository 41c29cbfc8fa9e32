"""How one tensor transforms: what every representation can do.

A representation also says which axis lists the nodes of a sample (reordered by permutations) and which lists the
samples (selected by the batch symmetry). Where it does not say, the first axis is assumed, and reports say so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import ClassVar, Self

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import (
    Assumed,
    BatchAxis,
    BySize,
    Concatenated,
    NodeAxis,
    chosen_segments,
    position,
)
from equivariance.representations.tensor_support import unsupported_reason

_IDENTITY = Transform().matrix


@dataclass(frozen=True, kw_only=True)
class Representation(ABC):
    """How one tensor transforms.

    Attributes:
        nodes: The axis that lists the nodes of a sample; None where no axis does; by default the first is assumed
        batch: The axis that lists the samples, or `Concatenated` where they lie one after the other along an axis
            (equal node and batch axes say so too); None and the default as for `nodes`
    """

    nodes: NodeAxis = Assumed.FIRST
    batch: BatchAxis = Assumed.FIRST

    _component_axes: ClassVar[int] = 0
    _fixed: ClassVar[bool] = False
    """Whether rotations, translations and inversion change nothing."""

    keeps_lengths: ClassVar[bool] = False
    """Whether every part is as long after an element as before it, positions apart from a translation."""

    @abstractmethod
    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Apply the linear or affine part of `element` to float64 values; same shape."""

    def parts(self, values: torch.Tensor) -> Iterator[Part]:
        """The pieces whose errors are measured apart."""
        yield Part("", values)

    def compared(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """What of the values `element` determines: all of them, but for what it brings from beyond a border."""
        return values

    def unresolved(self, values: torch.Tensor, element: Transform) -> torch.Tensor | None:
        """How far `element` applied to float64 values is open, between the cells of a grid; None where it is not."""
        return None

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Raise `ContractError` where the shape or the dtype of `tensor` does not fit."""
        refused = unsupported_reason(tensor)
        if refused is not None:
            raise ContractError(path, *refused)
        for name, axis in (("nodes", self.nodes), ("batch", self._batch_axis)):
            if isinstance(axis, int) and not -tensor.dim() <= axis < tensor.dim():
                raise ContractError(path, tuple(tensor.shape), f"a tensor that has the axis {name}={axis}")

    def assumes(self, symmetry: str, tensor: torch.Tensor) -> bool:
        """Whether the axis that `symmetry` acts on was assumed and not declared."""
        axis = {"permutation": self.nodes, "batch": self.batch}.get(symmetry)
        return isinstance(axis, Assumed) and tensor.dim() > 0

    def transform(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """`element` applied to `tensor` in float64, rounded once to its dtype; in its strides, which views need."""
        result, placed = tensor, self
        if element.order is not None or element.samples is not None:
            placed = self.placed(tensor)
        if not self._fixed and tensor.is_floating_point() and (element.matrix != _IDENTITY or any(element.vector)):
            result = self.act(tensor.to(torch.float64), element).to(tensor.dtype)
        if element.order is not None:
            result = placed.permute(result, element.order)
        if element.samples is not None:
            result = placed.select(result, element)
        if result.shape == tensor.shape and result.stride() != tensor.stride():
            result = torch.empty_like(tensor).copy_(result)
        return result

    @property
    def guesses(self) -> bool:
        """Whether an axis is told by its length."""
        return isinstance(self.nodes, BySize) or isinstance(self.batch, BySize)

    def placed(self, tensor: torch.Tensor) -> Self:
        """With the axes of `tensor` in place of those that are told by their lengths.

        Raises:
            ArgumentError: The lengths tell nothing
        """
        guess = next((axis for axis in (self.nodes, self.batch) if isinstance(axis, BySize)), None)
        if guess is None:
            return self
        nodes, batch = guess.axes(tensor.shape[: max(0, tensor.dim() - self._component_axes)])
        return replace(
            self,
            nodes=nodes if isinstance(self.nodes, BySize) else self.nodes,
            batch=batch if isinstance(self.batch, BySize) else self.batch,
        )

    def told_by(self, guess: BySize) -> Self:
        """With `guess` in place of the axes that nobody declared."""
        return replace(
            self,
            nodes=guess if isinstance(self.nodes, Assumed) else self.nodes,
            batch=guess if isinstance(self.batch, Assumed) else self.batch,
        )

    @property
    def concatenated(self) -> Concatenated | None:
        """How the samples lie one after the other, None where they do not."""
        if isinstance(self.batch, Concatenated):
            return self.batch
        if isinstance(self.batch, int) and self.nodes == self.batch:
            return Concatenated(self.batch)
        return None

    @property
    def _batch_axis(self) -> NodeAxis:
        return self.batch.axis if isinstance(self.batch, Concatenated) else self.batch

    def permute(self, tensor: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
        """New node i is old node order[i], in every sample."""
        axis = position(self.nodes, tensor)
        if axis is None:
            return tensor
        size, length, layout = len(order), tensor.shape[axis], self.concatenated
        sizes = (length,) if layout is None else layout.sizes or (size,) * (length // size)
        if set(sizes) != {size} or sum(sizes) != length:
            expected = f"as many on the axis nodes={axis}, not {length} in samples of {sizes}"
            raise ArgumentError("order", f"permutation of {size} nodes", expected)
        index = torch.tensor(order, device=tensor.device)
        starts = torch.arange(0, length, size, device=tensor.device)
        return tensor.index_select(axis, (starts[:, None] + index).flatten())

    def select(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """New sample i is old sample `element.samples[i]`."""
        axis = position(self._batch_axis, tensor)
        if axis is None:
            return tensor
        length = tensor.shape[axis]
        if self.concatenated is None and length != element.of:
            raise ArgumentError("samples", f"some of {element.of} samples", f"some of {length}, the axis batch={axis}")
        if self.concatenated is None:
            return tensor.index_select(axis, torch.tensor(element.samples, device=tensor.device))
        chosen = chosen_segments(self.concatenated, length, element)
        return torch.cat([tensor.narrow(axis, start, size) for start, size in chosen], dim=axis)


@dataclass(frozen=True)
class Part:
    """A piece of a tensor that transforms by itself: one irrep of a leaf, or the whole leaf."""

    label: str
    values: torch.Tensor


def labels_of(blocks: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """A label of its own for each block, of its name and its number of components.

    That is the name; blocks that share one are told apart by their components, counted from 0, the last not included.
    """
    named = list(blocks)
    times = Counter(name for name, _ in named)
    spans = pairwise(accumulate((size for _, size in named), initial=0))
    return tuple(
        f"{name} at {start}:{stop}" if times[name] > 1 else name
        for (name, _), (start, stop) in zip(named, spans, strict=True)
    )
