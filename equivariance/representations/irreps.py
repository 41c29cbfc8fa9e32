"""Irreps of O(3) on the last axis, in e3nn's notation, basis and order.

Used in contracts, and by `Grid` for the components of a field. The Wigner matrices are in `representations.wigner`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Part, Representation
from equivariance.representations.labels import labels_of
from equivariance.representations.wigner import wigner_d


@dataclass(frozen=True)
class Irreps(Representation):
    """Irreps of O(3) on the last axis, in e3nn's notation, basis and order.

    Attributes:
        irreps: A string in e3nn's notation, as `str(o3.Irreps(...))` gives it.

    Raises:
        ArgumentError: If `irreps` is not in e3nn's notation.

    >>> Irreps("8x0e + 4x1o").dim
    20
    """

    irreps: str

    _component_axes: ClassVar[int] = 1
    keeps_lengths: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Normalizes the notation."""
        from e3nn import o3  # imported here: it costs a second

        try:
            object.__setattr__(self, "irreps", str(o3.Irreps(self.irreps)))
        except (ValueError, AssertionError, TypeError) as error:
            raise ArgumentError("irreps", self.irreps, "irreps in e3nn's notation, for example '8x0e+4x1o'") from error

    @property
    def blocks(self) -> tuple[tuple[int, int, int], ...]:
        """(multiplicity, degree, parity) of each irrep, in order."""
        return _blocks(self.irreps)

    @property
    def turns(self) -> bool:
        """True if an irrep has a degree above 0."""
        return any(degree > 0 for _, degree, _ in self.blocks)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label of each part, in order."""
        return _labels(self.irreps)

    @property
    def dim(self) -> int:
        """Length of the last axis."""
        return sum(mul * (2 * degree + 1) for mul, degree, _ in self.blocks)

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the last axis has the dimension of the irreps, and that the dtype fits."""
        super().check(tensor, path)
        if tensor.dim() == 0 or tensor.shape[-1] != self.dim:
            shape = tuple(tensor.shape)
            raise ContractError(path, f"tensor of shape {shape}", f"a last axis of {self.dim}, for {self.irreps}")
        if not tensor.is_floating_point() and any(block[1:] != (0, 1) for block in self.blocks):
            raise ContractError(path, f"tensor of dtype {tensor.dtype}", f"floating-point numbers, for {self.irreps}")

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Multiplies each block by its Wigner D matrix."""
        pieces = []
        for (mul, degree, parity), block in zip(self.blocks, self._split(values), strict=True):
            matrix = wigner_d(degree, parity, element).to(values.device)
            shaped = block.reshape(*block.shape[:-1], mul, 2 * degree + 1)
            pieces.append((shaped @ matrix.T).reshape(block.shape))
        return torch.cat(pieces, dim=-1) if pieces else values

    def parts(self, values: torch.Tensor) -> Iterator[Part]:
        """Yields one part for each block."""
        for label, block in zip(self.labels, self._split(values), strict=True):
            yield Part(label, block)

    def _split(self, values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return values.split([mul * (2 * degree + 1) for mul, degree, _ in self.blocks], dim=-1)


@lru_cache(maxsize=1024)
def _blocks(irreps: str) -> tuple[tuple[int, int, int], ...]:
    """Parses irreps into (multiplicity, degree, parity)."""
    from e3nn import o3

    return tuple((m.mul, m.ir.l, m.ir.p) for m in o3.Irreps(irreps))


@lru_cache(maxsize=1024)
def _labels(irreps: str) -> tuple[str, ...]:
    """Returns the label of each block."""
    return labels_of((f"{m}x{d}{'e' if p > 0 else 'o'}", m * (2 * d + 1)) for m, d, p in _blocks(irreps))
