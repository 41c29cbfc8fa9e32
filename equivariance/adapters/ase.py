"""The adapter to ASE's `Atoms`: positions move, the cell turns, atomic numbers and periodic axes stay.

Objects are recognized by their attributes, so that ASE is not imported. Copies are built; the given object never
changes. A copy has no calculator. Called through `contracts.adapter_registry`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from equivariance.contracts.adapter_registry import Counts
from equivariance.contracts.assumption import Assumption, Grounds, How
from equivariance.contracts.nested import UNSPECIFIED
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.crystals.lattice_vectors import LatticeVectors
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints, Invariant


@runtime_checkable
class AtomsLike(Protocol):
    """The attributes by which atoms are recognized."""

    numbers: Any
    positions: Any
    cell: Any
    pbc: Any

    def get_positions(self) -> Any:
        """Returns the positions, [atoms, 3]."""


TYPES: tuple[type[Any], ...] = (AtomsLike,)

_LAWS: dict[str, Representation] = {
    "positions": CartesianPoints(nodes=0, batch=None),
    "momenta": Irreps("1x1o", nodes=0, batch=None),
    "cell": LatticeVectors(batch=None),
    "pbc": Invariant(nodes=None, batch=None),
}
"""Laws of the arrays that ASE defines; all other arrays have one row for each atom, which stays."""


class AtomsAdapter:
    """Walks and transforms atoms, which are one sample."""

    takes = "a dict of representations by array name, for atoms of ASE"

    def fits(self, spec: object) -> bool:
        """True for a mapping by array name."""
        return isinstance(spec, Mapping)

    def walk(self, atoms: Any, spec: Any, path: str, visit: Callable[..., torch.Tensor]) -> Any:
        """Visits every array as a tensor, in the order of the object."""
        arrays = _arrays(atoms)
        unknown = sorted(set(spec) - set(arrays)) if isinstance(spec, Mapping) else []
        if unknown:
            raise ContractError(path, unknown, f"names among its arrays, {', '.join(arrays)}")
        found = {}
        for name, array in arrays.items():
            where, tensor = f"{path}[{name!r}]", torch.from_numpy(array)
            law = _law(name, spec)
            law.check(tensor, where)
            found[name] = visit(tensor, law, where).detach().cpu().numpy()
        return _rebuilt(atoms, found)

    def transform(self, atoms: Any, spec: Any, element: Transform) -> Any:
        """Transforms every array.

        Raises:
            ArgumentError: If the element selects samples.
        """
        if element.samples is not None:
            raise ArgumentError("samples", element, "no selection of samples, for the atoms of one structure")
        return self.walk(atoms, spec, "atoms", lambda t, law, _: law.transform(t, element))

    def sizes(self, atoms: Any) -> tuple[Counts, Counts | None]:
        """Returns the number of atoms."""
        return (len(atoms.numbers),), None

    def assume(self, atoms: Any, path: tuple[str | int, ...]) -> Iterator[Assumption]:
        """Yields what the object states of each array."""
        known = Grounds(How.READ_OFF, How.READ_OFF, How.READ_OFF)
        for name, array in _arrays(atoms).items():
            tensor, law = torch.from_numpy(array), _law(name, None)
            yield Assumption((*path, name), tuple(tensor.shape), law, "an array of atoms", tensor, grounds=known)

    def group(self, atoms: Any) -> object:
        """Returns None: atoms name no group."""
        return None


ADAPTER = AtomsAdapter()


def _arrays(atoms: Any) -> dict[str, np.ndarray]:
    """Returns copies of the arrays of numbers by name: those of each atom, the cell and the periodic axes."""
    rows = getattr(atoms, "arrays", None) or {"numbers": atoms.numbers, "positions": atoms.positions}
    cell = getattr(atoms.cell, "array", atoms.cell)
    found = {**rows, "cell": cell, "pbc": np.broadcast_to(atoms.pbc, 3)}
    arrays = {name: np.array(array) for name, array in found.items()}
    return {
        name: array.astype(np.int64) if array.dtype.kind == "u" else array
        for name, array in arrays.items()
        if array.dtype.kind in "biuf"
    }


def _law(name: str, spec: object) -> Representation:
    """Returns the representation of an array: declared, or that of ASE."""
    declared = spec.get(name) if isinstance(spec, Mapping) else None
    if spec is UNSPECIFIED:
        return Invariant(nodes=None, batch=None)
    if isinstance(declared, Representation):
        return declared
    return _LAWS.get(name, Invariant(nodes=0, batch=None))


def _rebuilt(atoms: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Returns a copy of atoms with other arrays, which may have more rows."""
    rows = {name: array for name, array in arrays.items() if name not in ("cell", "pbc")}
    if not hasattr(atoms, "set_cell"):
        made = copy.copy(atoms)
        for name, array in {**rows, "cell": arrays["cell"], "pbc": arrays["pbc"]}.items():
            setattr(made, name, array)
        return made
    made = atoms.copy()
    made.arrays.update({name: array.copy() for name, array in rows.items()})
    made.set_cell(arrays["cell"])
    made.pbc = arrays["pbc"]
    return made
