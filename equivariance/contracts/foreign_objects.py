"""Converts NumPy arrays to tensors, and says how objects are wrapped that hold geometry and no tensors to walk.

`contracts.signature` converts the arguments of a call. `contracts.nested` rejects other objects, with the line that
passes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

_Path = tuple[str | int, ...]
_Entry = tuple[str | int, Any]

_ATOMS = (
    "tensors: write diagnose(lambda numbers, positions, cell: model(Atoms(numbers.numpy(), positions.numpy(), "
    "cell=cell.numpy(), pbc=atoms.pbc)), (atoms.numbers, atoms.positions, atoms.cell.array))"
)
_FRAMES = (
    "tensors: write diagnose(lambda rots, trans: model(Rigid(Rotation(rot_mats=rots), trans)), "
    "(frames.get_rots().get_rot_mats(), frames.get_trans()), (eq.CartesianTensor((-2,)), 'cartesian_points'))"
)


def how_to_wrap(value: object) -> str | None:
    """Returns the call that passes an object as tensors; None for objects that are not known.

    Known are the atoms of ASE, and frames with a rotation and a translation as in OpenFold.
    """
    library = type(value).__module__.partition(".")[0]
    if library == "ase" and all(hasattr(value, name) for name in ("numbers", "positions", "cell")):
        return _ATOMS
    methods = all(callable(getattr(value, name, None)) for name in ("get_rots", "get_trans"))
    return _FRAMES if methods or all(hasattr(value, name) for name in ("_rots", "_trans")) else None


def arrays_in(
    value: Any, path: _Path, children: Callable[[Any], Iterable[_Entry]]
) -> Iterator[tuple[_Path, torch.Tensor]]:
    """Yields path and tensor for every NumPy array of numbers in nested containers.

    Args:
        value: The value.
        path: Its path.
        children: Yields key and entry of each value in a container.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        yield path, _tensor(value)
    for key, entry in children(value):
        yield from arrays_in(entry, (*path, key), children)


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Returns the numbers of an array in new memory; unsigned integers of more than a byte become int64."""
    wide = array.dtype.kind == "u" and array.dtype.itemsize > 1
    return torch.from_numpy(array.astype(np.int64) if wide else array.copy())
