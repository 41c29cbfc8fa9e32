"""Orthogonal matrices and vectors as tuples of floats: checked, converted, and written as Python.

`groups.elements` makes elements of them. The module knows no elements and no tensors.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import mul

import numpy as np
from scipy.spatial.transform import Rotation

from equivariance.errors import ArgumentError

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def is_orthogonal(matrix: tuple[tuple[float, ...], ...]) -> bool:
    """True if R R^T is the identity to 1e-12. The code is plain Python for speed: elements are made by the thousand."""
    if len(matrix) != 3 or any(len(row) != 3 for row in matrix):
        return False
    products = [(i == j, sum(map(mul, matrix[i], matrix[j]))) for i in range(3) for j in range(i, 3)]
    return all(abs(product - wanted) <= 1e-12 for wanted, product in products)


def rows_of(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Returns a matrix as a tuple of rows of floats."""
    return tuple(tuple(float(v) for v in row) for row in matrix)


def triple(vector: np.ndarray) -> tuple[float, float, float]:
    """Returns a vector as three floats."""
    if vector.shape != (3,):
        raise ArgumentError("vector", vector, "three finite numbers")
    x, y, z = (float(v) for v in vector)
    return x, y, z


def numbers_text(values: Iterable[float]) -> str:
    """Returns numbers as a Python list; whole numbers are written without a decimal point."""
    values = [float(v) for v in values]
    return "[" + ", ".join(str(int(v)) if v == int(v) and abs(v) < 1e15 else repr(v) for v in values) + "]"


def matrix_text(matrix: np.ndarray, determinant: int) -> str:
    """Returns the shortest constructor calls that rebuild an orthogonal matrix exactly."""
    proper = rows_of(matrix * determinant)
    prefix = "" if determinant > 0 else "inversion()"
    if proper == IDENTITY:
        return prefix
    vector = Rotation.from_matrix(np.array(proper)).as_rotvec()
    text = "[" + ", ".join(numbers_text(row) for row in proper) + "]"
    for short in (vector, np.round(vector, 4)):
        if rows_of(Rotation.from_rotvec(short).as_matrix()) == proper:
            text = numbers_text(short)
    return " @ ".join(filter(None, [prefix, f"rotation({text})"]))
