"""The base class of representations that wrap another one.

Subclasses change the action or the comparison. The wrapper takes the axes of the representation inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch

from equivariance.groups.elements import Transform
from equivariance.representations.axes import Assumed
from equivariance.representations.base import Part, Representation
from equivariance.representations.standard import as_representation


@dataclass(frozen=True)
class Wrapping(Representation):
    """A representation that acts, compares and checks as `base` does.

    Attributes:
        base: The representation inside, or its short form.

    Raises:
        ArgumentError: If `base` is no representation.
    """

    base: Representation | str | None

    def __post_init__(self) -> None:
        """Parses the base and takes its axes, where the wrapper declares none."""
        base = as_representation(self.base, "base")
        object.__setattr__(self, "base", base)
        for entry in fields(Representation):
            given = getattr(self, entry.name)
            if isinstance(given, Assumed) or (given is None and entry.default is None):
                object.__setattr__(self, entry.name, getattr(base, entry.name))

    @property
    def inner(self) -> Representation:
        """The representation inside."""
        return as_representation(self.base, "base")

    @property
    def turns(self) -> bool:
        """True if the components inside turn."""
        return self.inner.turns

    @property
    def component_axes(self) -> int:
        """The number of last axes that hold components."""
        return self.inner.component_axes

    def _free_lengths(self, tensor: torch.Tensor) -> tuple[int, ...]:
        return self.inner._free_lengths(tensor)

    def _scaled(self, values: torch.Tensor, scale: float) -> torch.Tensor:
        return self.inner._scaled(values, scale)

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks the tensor as the representation inside does."""
        super().check(tensor, path)
        self.inner.check(tensor, path)

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Acts as the representation inside does."""
        return self.inner.act(values, element)

    def parts(self, values: torch.Tensor) -> Iterator[Part]:
        """Yields the parts of the representation inside."""
        return self.inner.parts(values)

    def compared(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Selects the entries that the representation inside compares."""
        return self.inner.compared(values, element)

    def nearest(self, values: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
        """Returns the nearest values that stand for the same thing inside."""
        return self.inner.nearest(values, expected)

    def without_translation(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the values without the translation inside."""
        return self.inner.without_translation(values, element)

    def unresolved(self, values: torch.Tensor, element: Transform) -> torch.Tensor | None:
        """Returns the interpolation uncertainty inside."""
        return self.inner.unresolved(values, element)
