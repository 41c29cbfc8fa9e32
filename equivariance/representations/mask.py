"""The mask of a padded batch: the rows of a node axis that hold nodes.

Used by representations, which leave padded rows in place, and by the engine, which does not compare them. The module
recognizes no masks; `contracts.masks` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform


@dataclass(frozen=True)
class Mask:
    """The rows of a padded batch that hold nodes.

    Attributes:
        rows: For each sample, True for each row that holds a node and False for padding.
        batched: True if an axis before the node axis lists the samples. False for one sample.

    >>> Mask.of(torch.tensor([True, True, False]))
    Mask(rows=((True, True, False),), batched=False)
    """

    rows: tuple[tuple[bool, ...], ...]
    batched: bool = True

    @classmethod
    def of(cls, mask: Tensor) -> Mask:
        """Returns the mask in a tensor.

        Args:
            mask: [samples, nodes] or [nodes]; True or 1 for a node, False or 0 for padding.

        Raises:
            ArgumentError: If the tensor has another number of axes.
        """
        if mask.dim() not in (1, 2):
            raise ArgumentError("mask", tuple(mask.shape), "a tensor [samples, nodes] or [nodes]")
        rows = mask.bool().reshape(-1, mask.shape[-1]).tolist()
        return cls(tuple(map(tuple, rows)), mask.dim() == 2)

    @property
    def length(self) -> int:
        """The number of rows of one sample, padding included."""
        return len(self.rows[0])

    def under(self, element: Transform) -> Mask:
        """Returns the mask of a batch that an element has selected or padded."""
        rows = self.rows if element.samples is None else tuple(self.rows[i] for i in element.samples)
        return Mask(tuple((*row, *(False,) * element.padding) for row in rows), self.batched)

    def fits(self, tensor: Tensor, nodes: int, samples: int | None) -> bool:
        """True if a tensor has the samples and rows of the mask on the given axes."""
        if (samples is not None) != self.batched or tensor.shape[nodes] != self.length:
            return False
        return samples is None or tensor.shape[samples] == len(self.rows)

    def beside(self, tensor: Tensor, nodes: int, samples: int | None) -> Tensor:
        """Returns the mask as a tensor that broadcasts against another one.

        Args:
            tensor: The other tensor.
            nodes: Its node axis, from 0.
            samples: Its axis of samples, from 0, or None.
        """
        shape = [1] * tensor.dim()
        shape[nodes] = self.length
        values = torch.tensor(self.rows, device=tensor.device)
        if samples is None:
            return values.reshape(shape)
        shape[samples] = len(self.rows)
        return (values if samples < nodes else values.T).reshape(shape)

    def pad(self, tensor: Tensor, rows: int, nodes: int, samples: int | None) -> Tensor:
        """Appends padded rows on the node axis.

        The new rows are copies of a padded row, or zeros if no row is padded.

        Args:
            tensor: The tensor.
            rows: The number of new rows.
            nodes: Its node axis, from 0.
            samples: Its axis of samples, from 0, or None.
        """
        places = [(s, n) for s, row in enumerate(self.rows) for n, valid in enumerate(row) if not valid]
        if places:
            sample, node = places[0]
            like = tensor if samples is None else tensor.narrow(samples, sample, 1)
            filling = like.narrow(nodes, node, 1)
        else:
            filling = torch.zeros_like(tensor.narrow(nodes, 0, 1))
        shape = list(tensor.shape)
        shape[nodes] = rows
        return torch.cat([tensor, filling.expand(shape)], nodes)
