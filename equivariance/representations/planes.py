"""Elements as they act on a plane or in space: the matrix and the shift of two or three coordinates.

Representations of points and grids call it. The module knows no tensors.
"""

from __future__ import annotations

import numpy as np

from equivariance.errors import ForeignElementError
from equivariance.groups.elements import Transform

_NEAR = 1e-9


def motion_in(element: Transform, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the matrix [d, d] and the shift [d] of an element in the plane x, y or in space.

    Args:
        element: The element.
        dimensions: 2 or 3.

    Raises:
        ForeignElementError: If the element leaves the plane.
    """
    matrix, vector = element.array, np.array(element.vector)
    if dimensions == 2 and (abs(matrix[2, :2]).max() > _NEAR or abs(matrix[:2, 2]).max() > _NEAR or vector[2]):
        raise ForeignElementError("element", element, "one that keeps the plane x, y")
    return matrix[:dimensions, :dimensions], vector[:dimensions]
