"""Writes an element as the Python that rebuilds it, with the names of `equivariance.groups`.

`groups.elements` calls it for `repr`. The module knows no elements but by their fields.
"""

from __future__ import annotations

from typing import Any

from equivariance.groups.crystal import moves_text
from equivariance.groups.matrices import IDENTITY, matrix_text, numbers_text
from equivariance.groups.orders import order_text


def text_of(element: Any) -> str:
    """Returns a product of constructor calls, the last factor first to act.

    Args:
        element: A `Transform`.
    """
    factors = []
    if any(element.vector):
        factors.append(f"translation({numbers_text(element.vector)})")
    if element.scale != 1:
        factors.append(f"scaling({numbers_text([element.scale])[1:-1]})")
    if element.matrix != IDENTITY:
        factors.append(matrix_text(element.array, element.determinant))
    if element.order is not None:
        factors.append(order_text("permutation", element.order, element.sizes))
    if element.edges is not None:
        factors.append(order_text("edge_permutation", element.edges, None))
    if element.samples is not None:
        factors.append(f"samples({list(element.samples)}, of={element.of})")
    if element.padding:
        factors.append(f"padding({element.padding})")
    if element.images is not None:
        factors.append(moves_text(element.images))
    if element.doubled is not None:
        factors.append(f"supercell({element.doubled})")
    factors += element.actions.text() if element.actions else []
    return " @ ".join(factors) or "identity()"
