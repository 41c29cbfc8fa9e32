import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from equivariance_zoo.steerable3d.data_sources import tetris
from equivariance_zoo.steerable3d.data_sources.datasets import dataset
from equivariance_zoo.steerable3d.settings import DataConfig
from tests.equivariance_zoo.steerable3d.rotations import cube_rotations, turned


def test_there_are_eight_shapes_of_four_blocks_and_one_mirrored_pair():
    centres = tetris.blocks()
    assert centres.shape == (8, 4, 3)
    assert torch.allclose(centres.mean(1), torch.zeros(8, 3, dtype=torch.float64))
    distances = [torch.pdist(c).sort().values for c in centres]
    same = [(i, j) for i in range(8) for j in range(i) if torch.allclose(distances[i], distances[j])]
    assert same == [(1, 0)]


@pytest.mark.parametrize("matrix", cube_rotations()[[4, 15, 22]])
def test_rendering_commutes_with_the_rotations_of_the_cube(matrix):
    centres = tetris.blocks()[5]
    expected = turned(tetris.render(centres, Rotation.identity(), 18)[None].double(), "0e", matrix)
    found = tetris.render(centres, Rotation.from_matrix(matrix), 18)[None].double()
    assert torch.allclose(found, expected, atol=1e-6)


def test_the_volume_is_that_of_four_blocks_in_any_rotation():
    for rotation in Rotation.random(5, rng=np.random.default_rng(0)):
        assert tetris.render(tetris.blocks()[0], rotation, 20, block=3.0).sum() == pytest.approx(108, rel=1e-3)


def test_a_shift_moves_the_shape():
    centres, shift = tetris.blocks()[2], torch.tensor([2.0, 0, -1.0])
    moved = tetris.render(centres, Rotation.identity(), 20, shift=shift)
    assert torch.allclose(moved, tetris.render(centres, Rotation.identity(), 20).roll((2, -1), (1, 3)), atol=1e-6)


def test_it_is_trained_in_one_orientation_and_evaluated_in_many():
    config = DataConfig("tetris", size=12, copies=3, rotations=2)
    assert len(dataset(config, "train")) == 24
    val, test = (dataset(config, split) for split in ("val", "test"))
    assert len(val) == len(test) == 16
    assert not val[0][0].equal(test[0][0])
    assert test[0][0].equal(dataset(config, "test")[0][0])
