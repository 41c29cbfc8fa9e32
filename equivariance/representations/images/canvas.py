"""Pictures and volumes whose surroundings are known: the window of a larger field.

Used for inputs. Shifts and turns bring in what lies around the window, and not zeros.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.grid import Grid
from equivariance.representations.images.presented import Presented


@dataclass(frozen=True, kw_only=True)
class Canvas(Grid, Presented):
    """A field of which the callable receives the window in the middle; elements move the whole field.

    Shifts are limited to half of the margin around the window. Rotations by any angle need a margin in which the turned
    window fits.

    Attributes:
        inner: Length of the window along each grid axis. The rest must be even, so that the window lies in the middle.
        whole: The larger field; set by the harness.

    Raises:
        ArgumentError: If the window has another number of axes than the grid.
    """

    inner: tuple[int, ...] = ()
    whole: torch.Tensor | None = field(default=None, compare=False, repr=False)
    number: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """Checks the window."""
        super().__post_init__()
        if len(self.inner) != len(self.axes) or any(type(n) is not int or n < 1 for n in self.inner):
            raise ArgumentError("inner", self.inner, f"the length of the window along each of the axes {self.axes}")
        if self.periodic:
            raise ArgumentError("periodic", self.periodic, "False: a window has surroundings")

    def present(self, value: Any, path: str) -> tuple[torch.Tensor, Representation]:
        """Returns the window, and the representation that remembers the field."""
        if not isinstance(value, torch.Tensor):
            raise ContractError(path, type(value).__name__, "a tensor, for Canvas")
        self.check(value, path)
        lengths = [value.shape[axis] for axis in self.axes]
        if any(n < own or (n - own) % 2 for n, own in zip(lengths, self.inner, strict=True)):
            expected = f"a field around a window of {self.inner}, larger by an even number of cells"
            raise ContractError(path, f"tensor of shape {tuple(value.shape)}", expected)
        kept = value.detach().clone()
        return self._window(kept).clone(), replace(self, whole=kept, number=id(kept))

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Moves the field, with `values` in its window, and returns the window."""
        if self.whole is None or self._window(self.whole).shape != values.shape:
            return super().act(values, element)
        filled = self.whole.to(values.device, torch.float64).clone()
        self._window(filled).copy_(values)
        return self._window(super().act(filled, element))

    def margins(self) -> tuple[float, ...]:
        """Returns the width of the surroundings along each grid axis, in units of the positions."""
        if self.whole is None:
            return (0.0,) * len(self.axes)
        lengths = [self.whole.shape[axis] for axis in self.axes]
        return tuple((n - own) / 2 * self.spacing for n, own in zip(lengths, self.inner, strict=True))

    def _window(self, whole: torch.Tensor) -> torch.Tensor:
        """Returns the window as a view."""
        for axis, length in zip(self.axes, self.inner, strict=True):
            whole = whole.narrow(axis, (whole.shape[axis] - length) // 2, length)
        return whole
