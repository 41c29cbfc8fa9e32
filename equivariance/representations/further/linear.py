"""Components on one axis that transform by matrices: of a group of the user, or of single elements.

Used in contracts. Irreps of rotations have representations of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from equivariance.errors import ArgumentError, ContractError, ForeignElementError
from equivariance.groups.elements import Transform
from equivariance.groups.matrices import rows_of
from equivariance.representations.base import Representation

_Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Linear(Representation):
    """Components on one axis: x' = D x, with a matrix D that belongs to the element.

    Attributes:
        matrices: Element -> matrix [n, n], for elements that are given one by one, such as a mirror. A function of the
            matrix of an element of `groups.MatrixGroup`, which returns D. None takes the matrix of the element itself.
            Elements without a matrix change nothing.
        axis: The axis of the components.

    Raises:
        ArgumentError: If a matrix is not square.

    >>> from equivariance.groups import linear
    >>> Linear().transform(torch.tensor([[1.0, 2.0]]), linear([[0, -1], [1, 0]])).tolist()
    [[-2.0, 1.0]]
    """

    matrices: Mapping[Transform, Any] | tuple[tuple[Transform, _Rows], ...] | Callable[[Any], Any] | None = None
    axis: int = -1

    def __post_init__(self) -> None:
        """Converts the matrices."""
        if self.matrices is None or callable(self.matrices):
            return
        pairs = [(element, np.asarray(matrix, dtype=np.float64)) for element, matrix in dict(self.matrices).items()]
        if not pairs or any(a.ndim != 2 or a.shape[0] != a.shape[1] for _, a in pairs):
            raise ArgumentError("matrices", self.matrices, "a square matrix for each element, or a function")
        object.__setattr__(self, "matrices", tuple((_motion(e), rows_of(a)) for e, a in pairs))

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the tensor has the axis, and as many components as the matrices."""
        super().check(tensor, path)
        known = self.matrices if isinstance(self.matrices, tuple) else ()
        lengths = {len(matrix) for _, matrix in known}
        fits = -tensor.dim() <= self.axis < tensor.dim() and tensor.is_floating_point()
        if not fits or (lengths and lengths != {tensor.shape[self.axis]}):
            what = f"tensor of shape {tuple(tensor.shape)} and dtype {tensor.dtype}"
            size = "" if not lengths else f" of {sorted(lengths)[0]}"
            raise ContractError(path, what, f"floating-point components{size} on axis {self.axis}, for Linear")

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Applies the matrix of the element.

        Raises:
            ForeignElementError: If no matrix is known for the element, or it has another size.
        """
        matrix = self._matrix(element)
        if matrix is None:
            return values
        if matrix.shape[1] != values.shape[self.axis]:
            expected = f"one whose matrix has {values.shape[self.axis]} columns"
            raise ForeignElementError("element", element, expected)
        own = torch.from_numpy(np.ascontiguousarray(matrix)).to(values.device)
        return (values.movedim(self.axis, -1) @ own.T).movedim(-1, self.axis)

    def _matrix(self, element: Transform) -> np.ndarray | None:
        """Returns the matrix of an element; None if the element changes nothing."""
        own = np.array(element.actions.matrix) if element.actions and element.actions.matrix else None
        if self.matrices is None:
            return own
        if callable(self.matrices):
            return None if own is None else np.asarray(self.matrices(own), dtype=np.float64)
        motion, known = _motion(element), dict(self.matrices)
        if motion == Transform():
            return None
        if motion not in known:
            listed = ", ".join(map(repr, known))
            raise ForeignElementError("element", element, f"an element with a matrix: {listed}")
        return np.array(known[motion])


def _motion(element: Transform) -> Transform:
    """Returns an element without reorderings and selections."""
    return Transform(element.matrix, element.vector, scale=element.scale, actions=element.actions)
