import pytest
import torch

from equivariance_zoo.steerable3d.data_sources import proteins
from equivariance_zoo.steerable3d.data_sources.datasets import dataset
from equivariance_zoo.steerable3d.settings import DataConfig

ATOMS = [
    ("N", "ALA", 1, (0.0, 0.0, 0.0), "N"),
    ("CA", "ALA", 1, (1.5, 0.0, 0.0), "C"),
    ("CB", "ALA", 1, (2.0, 1.4, 0.0), "C"),
    ("C", "ALA", 1, (2.0, -0.8, 1.2), "C"),
    ("O", "ALA", 1, (1.4, -1.8, 1.5), "O"),
    ("N", "CYS", 2, (3.1, -0.3, 1.8), "N"),
    ("CA", "CYS", 2, (3.7, -1.0, 2.9), "C"),
    ("SG", "CYS", 2, (5.4, -0.6, 3.3), "S"),
    ("H", "CYS", 2, (3.5, 0.5, 1.5), "H"),
    ("O", "HOH", 3, (9.0, 9.0, 9.0), "O"),
]


@pytest.fixture
def structure(tmp_path):
    """A PDB file of two residues, a hydrogen and a water."""
    lines = [
        f"{'HETATM' if kind == 'HOH' else 'ATOM  '}{i + 1:5d}  {name:<3s} {kind} A{number:4d}    "
        f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element:>2s}"
        for i, (name, kind, number, (x, y, z), element) in enumerate(ATOMS)
    ]
    path = tmp_path / "two.pdb"
    path.write_text("\n".join([*lines, "END", ""]))
    return path


def test_heavy_atoms_are_read(structure):
    pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
    atoms = proteins.read_atoms(structure)
    assert atoms.names == ("N", "CA", "CB", "C", "O", "N", "CA", "SG")
    assert atoms.kinds == ("ALA", "CYS")
    assert atoms.elements.tolist() == [1, 0, 0, 0, 2, 1, 0, 3]
    assert atoms.positions[2].tolist() == [2.0, 1.4, 0.0]


def test_files_without_a_suffix_are_read(structure):
    pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
    plain = structure.rename(structure.with_name("1oaiA00"))
    assert proteins.read_atoms(plain).kinds == ("ALA", "CYS")


def test_a_domain_is_its_alpha_carbons_about_their_centroid(structure):
    pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
    field = proteins.domain(proteins.read_atoms(structure), 9, 1.0, 0.8)
    assert field.shape == (1, 9, 9, 9)
    assert torch.allclose(field, field.flip(1, 2, 3), atol=1e-6)


def test_an_environment_lacks_its_own_side_chain(structure):
    pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
    found = proteins.environments(proteins.read_atoms(structure), 11, 1.0, 0.5)
    assert [label for _, label in found] == [0, 4]
    assert found[0][0][3].sum() > 1
    assert found[1][0][3].sum() < 1e-6


def test_they_are_datasets(structure):
    pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
    for split in ("train", "test"):
        (structure.parent / f"{split}.csv").write_text("file,class\ntwo.pdb,1.10\n")
    field, label = dataset(DataConfig("cath", str(structure.parent), size=8), "test")[0]
    assert (field.shape, int(label)) == ((1, 8, 8, 8), 0)
    residues = dataset(DataConfig("amino_acid", str(structure.parent), size=8), "train")
    assert [int(label) for _, label in residues] == [0, 4]


def test_broken_files_are_told(tmp_path):
    pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
    (tmp_path / "empty.pdb").write_text("")
    for name in ("empty.pdb", "absent.pdb"):
        with pytest.raises(ValueError, match="path: expected"):
            proteins.read_atoms(tmp_path / name)
    with pytest.raises(ValueError, match=r"folder: expected train\.csv"):
        dataset(DataConfig("cath", str(tmp_path)), "train")
