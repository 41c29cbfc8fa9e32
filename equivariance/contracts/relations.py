"""Finds tensors whose law follows from that of another tensor: by their values, or because a list is of one kind.

Called by `contracts.inputs`. The module runs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.spatial import cKDTree

from equivariance.contracts.assumption import Assumption, Follows, How, Path
from equivariance.contracts.field_names import names_cells
from equivariance.representations.standard import CartesianPoints, Invariant

_ROWS = 16
"""Largest number of rows compared with the positions. This many rows do not match pairs of points by chance."""


_CLOSE = 4.0
"""Rounding error of a difference, in machine epsilons of the largest number."""


def with_differences(assumptions: Iterable[Assumption]) -> list[Assumption]:
    """Decides tensors whose rows are positions, or differences of two positions, whatever their names say.

    Args:
        assumptions: All assumptions of a call.

    Returns:
        The same assumptions in the same order. If the positions themselves are undecided, the tensor follows them.
    """
    found = list(assumptions)
    for index, assumption in enumerate(found):
        if _has_rows(assumption) and not names_cells(str(assumption.path[-1])):
            found[index] = _by_values(assumption, [a for a in found if a is not assumption and _may_be_points(a)])
    return found


def _has_rows(assumption: Assumption) -> bool:
    tensor = assumption.value
    return tensor.is_floating_point() and tensor.dim() > 1 and tensor.shape[-1] == 3 and tensor.numel() > 0


def _may_be_points(assumption: Assumption) -> bool:
    """True for positions, and for undecided tensors that follow no other."""
    undecided = assumption.asked and assumption.follows is None
    return _has_rows(assumption) and (undecided or assumption.representation == _bare_points(assumption))


def _bare_points(assumption: Assumption) -> CartesianPoints:
    return CartesianPoints(nodes=assumption.representation.nodes, batch=assumption.representation.batch)


def _by_values(assumption: Assumption, clouds: Sequence[Assumption]) -> Assumption:
    """Returns the assumption with the law that its rows show, or unchanged if they show none."""
    rows = _rows(assumption.value)
    rows = rows[(rows != 0).any(axis=1)]
    if not len(rows) or (rows == rows.round()).all():  # whole numbers may be kinds as well as differences
        return assumption
    for cloud in clouds:
        close = _CLOSE * max(torch.finfo(a.value.dtype).eps for a in (assumption, cloud))
        relation = _relation(rows[:: -(-len(rows) // _ROWS)], _rows(cloud.value), close)
        follows = Follows(cloud.path, relation == "differences of rows of")
        named = not isinstance(assumption.representation, Invariant)
        if not relation or (named and (cloud.asked or not follows.differences)):
            continue
        why = f"its rows are {relation} {cloud.place}"
        if cloud.asked:
            return replace(assumption, follows=follows, why=why, asked=True)
        grounds = replace(assumption.grounds, law=How.READ_OFF)
        decided = assumption.with_law(follows.law(cloud.representation))
        return replace(decided, why=why, asked=False, laws=(), grounds=grounds)
    return assumption


def _relation(rows: np.ndarray, points: np.ndarray, close: float) -> str:
    """Returns the relation of rows to points, in words; "" if there is none.

    Args:
        rows: [n, 3] float64.
        points: [N, 3] float64.
        close: Relative tolerance.
    """
    if not len(points):
        return ""
    tree, within = cKDTree(points), close * max(np.abs(points).max(), np.abs(rows).max())
    if (tree.query(rows)[0] <= within).all():
        return "rows of"
    if all((tree.query(points + row)[0] <= within).any() for row in rows):
        return "differences of rows of"
    return ""


def _rows(tensor: torch.Tensor) -> np.ndarray:
    """Returns the finite rows of a tensor, [n, 3] float64."""
    rows = tensor.detach().cpu().double().reshape(-1, 3).numpy()
    return rows[np.isfinite(rows).all(axis=1)]


def with_kinds(assumptions: Iterable[Assumption]) -> list[Assumption]:
    """Gives one law to the undecided elements of a list whose shapes differ on one axis at most.

    Of a dict, entries are of one kind only if their lengths differ: entries of one length may be fields of one cloud.

    Args:
        assumptions: All assumptions of a call.
    """
    found = list(assumptions)
    kinds: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, assumption in enumerate(found):
        key = _kind(assumption.path)
        undecided = assumption.asked or assumption.grounds.law is How.BY_SHAPE
        if key is not None and undecided and assumption.follows is None:
            kinds[(*key, len(assumption.shape), assumption.value.dtype)].append(index)
    for members in kinds.values():
        first = found[members[0]]
        for index in members[1:]:
            if _is_alike(first, found[index]):
                follows = Follows(first.path, False)
                found[index] = replace(found[index], follows=follows, why=f"of one kind with {first.place}")
    return found


def _kind(path: Path) -> tuple[object, ...] | None:
    """Returns what the paths of elements of one list, or of one dict, share; None for an argument by itself."""
    number = next((i for i, step in enumerate(path) if isinstance(step, int)), None)
    if number is not None:
        return (*path[:number], "every", *path[number + 1 :])
    return (*path[:-1], "every") if len(path) > 1 else None


def _is_alike(first: Assumption, other: Assumption) -> bool:
    """True if two tensors of one container are of one kind."""
    differing = sum(a != b for a, b in zip(first.shape, other.shape, strict=True))
    in_list = any(isinstance(step, int) for step in first.path)
    return differing <= 1 and (in_list or differing == 1)
