"""Atoms of ASE, and of classes with the same attributes."""

import numpy as np
import pytest
import torch

import equivariance as eq
from equivariance.adapters.ase import ADAPTER
from equivariance.contracts.adapter_registry import adapter_of
from equivariance.contracts.nested import leaves
from equivariance.groups import permutation, rotation, translation
from tests.equivariance.helpers.crystals import NearestImage, Raw, structure

NUMBERS, POSITIONS, CELL, PERIODIC = structure(pbc=(True, True, False))


class LikeAtoms:
    """The attributes of ASE's `Atoms`, without ASE."""

    def __init__(self):
        self.numbers, self.positions = NUMBERS.numpy().copy(), POSITIONS.double().numpy()
        self.cell, self.pbc = CELL.double().numpy(), PERIODIC.numpy()

    def get_positions(self):
        return self.positions.copy()


def real_atoms():
    ase = pytest.importorskip("ase")
    atoms = ase.Atoms(NUMBERS.numpy(), POSITIONS.double().numpy(), cell=CELL.double().numpy(), pbc=PERIODIC.numpy())
    atoms.set_momenta(POSITIONS.double().numpy())
    return atoms


@pytest.fixture(params=[LikeAtoms, real_atoms], ids=["like", "ase"])
def atoms(request):
    return request.param()


class OfAtoms(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.network = kind()

    def forward(self, atoms):
        dtype = next(self.parameters()).dtype
        pos, cell = (torch.as_tensor(np.array(a), dtype=dtype) for a in (atoms.get_positions(), atoms.cell))
        return self.network(torch.as_tensor(atoms.numbers), pos, cell, torch.as_tensor(np.array(atoms.pbc)))


@pytest.mark.parametrize(("kind", "broken"), [(NearestImage, []), (Raw, ["lattice"])])
def test_a_network_takes_atoms(atoms, kind, broken):
    torch.manual_seed(0)
    before = atoms.get_positions()
    report = eq.diagnose(OfAtoms(kind), atoms)
    assert [v.symmetry for v in report.verdicts if v.claimed] == ["translation", "rotation", "permutation", "lattice"]
    assert [v.symmetry for v in report.verdicts if v.verdict == "broken" and v.claimed] == broken, report
    assert all(v.basis == "read off" for v in report.verdicts), report
    assert np.array_equal(atoms.get_positions(), before)


def test_copies_are_transformed(atoms):
    turned = ADAPTER.transform(atoms, None, rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]]))
    assert np.allclose(turned.get_positions()[:, 0], -atoms.get_positions()[:, 1])
    assert np.allclose(np.array(turned.cell)[:, 1], np.array(atoms.cell)[:, 0])
    moved = ADAPTER.transform(atoms, None, translation([1, 0, 0]) @ permutation(range(9, -1, -1)))
    assert np.allclose(moved.get_positions()[0], atoms.get_positions()[-1] + [1, 0, 0])
    assert moved.numbers.tolist() == atoms.numbers.tolist()[::-1]
    assert np.array_equal(moved.pbc, atoms.pbc)


def test_momenta_turn_with_the_atoms():
    turned = ADAPTER.transform(real_atoms(), None, rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]]))
    assert np.allclose(turned.get_momenta(), turned.get_positions())


def test_unknown_arrays_and_selections_are_refused():
    atoms = LikeAtoms()
    with pytest.raises(eq.ContractError, match="names among its arrays, numbers, positions, cell, pbc"):
        leaves(atoms, {"velocity": eq.Invariant()}, "atoms")
    with pytest.raises(eq.ArgumentError, match="no selection of samples"):
        ADAPTER.transform(atoms, None, eq.groups.samples([0, 0], of=1))


def test_other_objects_are_no_atoms():
    assert adapter_of(type("Shapes", (), {"get_positions": lambda self: []})()) is None
