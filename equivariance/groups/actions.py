"""Actions of an element beside its motion: elements of a product, a matrix of another group, exchanged arguments.

`groups.elements` holds these values in an element, `groups.further` makes them, and representations apply them. The
module knows no positions and no tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from equivariance.errors import ArgumentError
from equivariance.groups.matrices import numbers_text, rows_of


class Element(Protocol):
    """A group element: it has products and an inverse."""

    def __matmul__(self, first: Any) -> Any:
        """Returns the product."""

    def inverse(self) -> Any:
        """Returns the inverse."""


@dataclass(frozen=True)
class Actions:
    """The actions of an element beside its motion.

    Attributes:
        factors: The elements of a product of groups, one for each factor; () if the element is of no product.
        matrix: The rows of an invertible matrix of a group of the user; () if there is none.
        exchanged: The names of two arguments that the element exchanges; () if it exchanges none.

    Raises:
        ArgumentError: If the matrix is not square, or not invertible.
    """

    factors: tuple[Element, ...] = ()
    matrix: tuple[tuple[float, ...], ...] = ()
    exchanged: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks the matrix."""
        if not self.matrix:
            return
        array = np.array(self.matrix, dtype=np.float64)
        if array.ndim != 2 or array.shape[0] != array.shape[1] or not np.isfinite(array).all():
            raise ArgumentError("matrix", self.matrix, "a square matrix of finite numbers")
        if np.linalg.matrix_rank(array) < len(array):
            raise ArgumentError("matrix", self.matrix, "an invertible matrix")

    def after(self, first: Actions) -> Actions:
        """Returns the product: `first` acts first.

        Raises:
            ArgumentError: If the two belong to different groups.
        """
        if len(self.factors) != len(first.factors) or len(self.matrix) != len(first.matrix):
            raise ArgumentError("first", first, "an element of the same group")
        matrix = np.array(self.matrix) @ np.array(first.matrix) if self.matrix else np.zeros((0, 0))
        if self.exchanged and first.exchanged and {*self.exchanged} != {*first.exchanged}:
            raise ArgumentError("first", first, f"an element that exchanges {self.exchanged}, or nothing")
        exchanged = () if self.exchanged and first.exchanged else self.exchanged or first.exchanged
        factors = tuple(g @ h for g, h in zip(self.factors, first.factors, strict=True))
        return Actions(factors, rows_of(matrix), exchanged)

    def inverse(self) -> Actions:
        """Returns the inverse actions."""
        matrix = np.linalg.inv(np.array(self.matrix)) if self.matrix else np.zeros((0, 0))
        return Actions(tuple(g.inverse() for g in self.factors), rows_of(matrix), self.exchanged)

    def text(self) -> list[str]:
        """Returns the constructor calls that rebuild the actions."""
        found = [f"product({', '.join(map(repr, self.factors))})"] if self.factors else []
        found += [f"linear([{', '.join(map(numbers_text, self.matrix))}])"] if self.matrix else []
        return found + ([f"swap({', '.join(map(repr, self.exchanged))})"] if self.exchanged else [])
