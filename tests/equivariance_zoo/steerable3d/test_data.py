"""Shapes, meshes and structures as fields."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from equivariance_zoo.steerable3d import proteins, tetris
from equivariance_zoo.steerable3d.datasets import dataset
from equivariance_zoo.steerable3d.densities import of_atoms, of_points
from equivariance_zoo.steerable3d.meshes import labelled, voxelized
from equivariance_zoo.steerable3d.settings import DataConfig
from tests.equivariance_zoo.steerable3d.rotations import cube_rotations, turned

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


@pytest.fixture
def meshes(tmp_path):
    """A SHREC17 folder: a box and a ball to train on, a ball to test with."""
    trimesh = pytest.importorskip("trimesh", reason="reads meshes: pip install trimesh")
    for split, shapes in {"train": ("box", "ball"), "test": ("ball",)}.items():
        (tmp_path / f"{split}_perturbed").mkdir()
        rows = ["id,synsetId,subSynsetId,modelId"]
        for index, shape in enumerate(shapes):
            mesh = trimesh.creation.box((1, 2, 3)) if shape == "box" else trimesh.creation.icosphere(2)
            mesh.export(tmp_path / f"{split}_perturbed" / f"{index:06d}.obj")
            rows.append(f"{index:06d},{'02691156' if shape == 'box' else '02747177'},,{shape}")
        (tmp_path / f"{split}.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


class TestTetris:
    def test_there_are_eight_shapes_of_four_blocks_and_one_mirrored_pair(self):
        centres = tetris.blocks()
        assert centres.shape == (8, 4, 3)
        assert torch.allclose(centres.mean(1), torch.zeros(8, 3, dtype=torch.float64))
        distances = [torch.pdist(c).sort().values for c in centres]
        same = [(i, j) for i in range(8) for j in range(i) if torch.allclose(distances[i], distances[j])]
        assert same == [(1, 0)]

    @pytest.mark.parametrize("matrix", cube_rotations()[[4, 15, 22]])
    def test_rendering_commutes_with_the_rotations_of_the_cube(self, matrix):
        centres = tetris.blocks()[5]
        expected = turned(tetris.render(centres, Rotation.identity(), 18)[None].double(), "0e", matrix)
        found = tetris.render(centres, Rotation.from_matrix(matrix), 18)[None].double()
        assert torch.allclose(found, expected, atol=1e-6)

    def test_the_volume_is_that_of_four_blocks_in_any_rotation(self):
        for rotation in Rotation.random(5, rng=np.random.default_rng(0)):
            assert tetris.render(tetris.blocks()[0], rotation, 20, block=3.0).sum() == pytest.approx(108, rel=1e-3)

    def test_a_shift_moves_the_shape(self):
        centres, shift = tetris.blocks()[2], torch.tensor([2.0, 0, -1.0])
        moved = tetris.render(centres, Rotation.identity(), 20, shift=shift)
        assert torch.allclose(moved, tetris.render(centres, Rotation.identity(), 20).roll((2, -1), (1, 3)), atol=1e-6)

    def test_it_is_trained_in_one_orientation_and_evaluated_in_many(self):
        config = DataConfig("tetris", size=12, copies=3, rotations=2)
        assert len(dataset(config, "train")) == 24
        val, test = (dataset(config, split) for split in ("val", "test"))
        assert len(val) == len(test) == 16
        assert not val[0][0].equal(test[0][0])
        assert test[0][0].equal(dataset(config, "test")[0][0])


class TestDensities:
    def test_an_atom_is_a_gaussian_in_its_channel(self):
        field = of_atoms(torch.tensor([[1.0, 0, 0], [9, 9, 9]]), torch.tensor([1, -1]), 2, 5, 0.5, 0.7)
        assert field[0].abs().max() == 0
        assert field[1, 4, 2, 2] == 1
        assert field[1, 2, 2, 2] == pytest.approx(np.exp(-0.5 * (1 / 0.7) ** 2))

    def test_points_are_shared_out_and_kept(self):
        points = np.random.default_rng(0).uniform(-3, 3, (200, 3))
        field = of_points(points, np.full(200, 0.5), 20, 0.8)
        assert field.sum() == pytest.approx(100, rel=1e-4)
        axis = torch.arange(20) - 9.5
        centre = (field[0].sum((1, 2)) @ axis) / field.sum()
        assert float(centre) == pytest.approx(points[:, 0].mean(), abs=1e-3)


class TestMeshes:
    def test_surfaces_fit_and_are_hollow(self, meshes):
        ball = voxelized(meshes / "train_perturbed" / "000001.obj", 32)
        assert ball.shape == (1, 32, 32, 32)
        assert ball.equal(voxelized(meshes / "train_perturbed" / "000001.obj", 32))
        assert ball.min() >= 0
        assert ball.max() <= 1
        assert ball[0, 16, 16, 16] < 0.01
        assert ball[0, 16, 16, 3:6].max() > 0.3

    def test_labels_come_from_the_official_tables(self, meshes):
        assert [item.synset for item in labelled(meshes, "train")] == ["02691156", "02747177"]
        (meshes / "all.csv").write_text("id,synsetId,split\n000000,02747177,test\n000009,1,train\n")
        (meshes / "test.csv").unlink()
        assert [item.path.name for item in labelled(meshes, "test")] == ["000000.obj"]

    def test_they_are_a_dataset(self, meshes):
        samples = dataset(DataConfig("shrec17", str(meshes), size=12), "test")
        field, label = samples[0]
        assert len(samples) == 1
        assert (field.shape, int(label)) == ((1, 12, 12, 12), 1)

    @pytest.mark.parametrize(
        ("break_it", "words"),
        [
            (lambda f: (f / "train.csv").unlink(), "expected train.csv or all.csv in it"),
            (lambda f: (f / "train.csv").write_text("id,label\n1,2\n"), "expected the columns synsetId"),
            (lambda f: (f / "train_perturbed" / "000001.obj").unlink(), "got none of 000001.obj"),
        ],
    )
    def test_what_is_missing_is_told(self, meshes, break_it, words):
        break_it(meshes)
        with pytest.raises(ValueError, match=words):
            labelled(meshes, "train")

    def test_broken_files_are_told(self, tmp_path):
        pytest.importorskip("trimesh", reason="reads meshes: pip install trimesh")
        (tmp_path / "empty.obj").write_text("")
        for name in ("empty.obj", "absent.obj"):
            with pytest.raises(ValueError, match="path: expected"):
                voxelized(tmp_path / name, 8)


class TestProteins:
    def test_heavy_atoms_are_read(self, structure):
        pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
        atoms = proteins.read_atoms(structure)
        assert atoms.names == ("N", "CA", "CB", "C", "O", "N", "CA", "SG")
        assert atoms.kinds == ("ALA", "CYS")
        assert atoms.elements.tolist() == [1, 0, 0, 0, 2, 1, 0, 3]
        assert atoms.positions[2].tolist() == [2.0, 1.4, 0.0]

    def test_files_without_a_suffix_are_read(self, structure):
        pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
        plain = structure.rename(structure.with_name("1oaiA00"))
        assert proteins.read_atoms(plain).kinds == ("ALA", "CYS")

    def test_a_domain_is_its_alpha_carbons_about_their_centroid(self, structure):
        pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
        field = proteins.domain(proteins.read_atoms(structure), 9, 1.0, 0.8)
        assert field.shape == (1, 9, 9, 9)
        assert torch.allclose(field, field.flip(1, 2, 3), atol=1e-6)

    def test_an_environment_lacks_its_own_side_chain(self, structure):
        pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
        found = proteins.environments(proteins.read_atoms(structure), 11, 1.0, 0.5)
        assert [label for _, label in found] == [0, 4]
        assert found[0][0][3].sum() > 1
        assert found[1][0][3].sum() < 1e-6

    def test_they_are_datasets(self, structure):
        pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
        for split in ("train", "test"):
            (structure.parent / f"{split}.csv").write_text("file,class\ntwo.pdb,1.10\n")
        field, label = dataset(DataConfig("cath", str(structure.parent), size=8), "test")[0]
        assert (field.shape, int(label)) == ((1, 8, 8, 8), 0)
        residues = dataset(DataConfig("amino_acid", str(structure.parent), size=8), "train")
        assert [int(label) for _, label in residues] == [0, 4]

    def test_broken_files_are_told(self, tmp_path):
        pytest.importorskip("gemmi", reason="reads structures: pip install gemmi")
        (tmp_path / "empty.pdb").write_text("")
        for name in ("empty.pdb", "absent.pdb"):
            with pytest.raises(ValueError, match="path: expected"):
                proteins.read_atoms(tmp_path / name)
        with pytest.raises(ValueError, match=r"folder: expected train\.csv"):
            dataset(DataConfig("cath", str(tmp_path)), "train")
