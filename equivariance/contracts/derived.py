"""Inputs that were made of the positions before the call, told by their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.spatial import cKDTree

from equivariance.contracts.assumptions import Assumption
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints

_ROWS = 16
"""So many rows are looked at: that all of them are made of pairs of points does not happen by chance."""

_CLOSE = 4.0
"""Rounding of a difference, in machine epsilons of the largest number."""


def with_differences(assumptions: Iterable[Assumption]) -> list[Assumption]:
    """What is asked about, answered where its rows are rows of the positions, or differences of two of them."""
    found = list(assumptions)
    clouds = [a for a in found if isinstance(a.representation, CartesianPoints)]
    return [_answered(a, clouds) if a.asked else a for a in found]


def _answered(asked: Assumption, clouds: Sequence[Assumption]) -> Assumption:
    rows = _rows(asked.value)
    rows = rows[(rows != 0).any(axis=1)]
    if not len(rows) or (rows == rows.round()).all():  # directions of a lattice are kinds as often as differences
        return asked
    for cloud in clouds:
        close = _CLOSE * max(torch.finfo(a.value.dtype).eps for a in (asked, cloud))
        law, told = _told(rows[:: -(-len(rows) // _ROWS)], _rows(cloud.value), close)
        if law is not None:
            law = replace(law, nodes=asked.representation.nodes, batch=asked.representation.batch)
            return replace(asked, representation=law, why=f"its rows are {told} {cloud.place}", asked=False)
    return asked


def _told(rows: np.ndarray, points: np.ndarray, close: float) -> tuple[Representation | None, str]:
    if not len(points):
        return None, ""
    tree, within = cKDTree(points), close * max(np.abs(points).max(), np.abs(rows).max())
    if (tree.query(rows)[0] <= within).all():
        return CartesianPoints(), "rows of"
    if all((tree.query(points + row)[0] <= within).any() for row in rows):
        return Irreps("1x1o"), "differences of rows of"
    return None, ""


def _rows(tensor: torch.Tensor) -> np.ndarray:
    """Those that are finite, in float64."""
    rows = tensor.detach().cpu().double().reshape(-1, 3).numpy()
    return rows[np.isfinite(rows).all(axis=1)]
