import numpy as np
import pytest
import torch

from equivariance_zoo.steerable3d.data_sources.densities import of_atoms, of_points


def test_an_atom_is_a_gaussian_in_its_channel():
    field = of_atoms(torch.tensor([[1.0, 0, 0], [9, 9, 9]]), torch.tensor([1, -1]), 2, 5, 0.5, 0.7)
    assert field[0].abs().max() == 0
    assert field[1, 4, 2, 2] == 1
    assert field[1, 2, 2, 2] == pytest.approx(np.exp(-0.5 * (1 / 0.7) ** 2))


def test_points_are_shared_out_and_kept():
    points = np.random.default_rng(0).uniform(-3, 3, (200, 3))
    field = of_points(points, np.full(200, 0.5), 20, 0.8)
    assert field.sum() == pytest.approx(100, rel=1e-4)
    axis = torch.arange(20) - 9.5
    centre = (field[0].sum((1, 2)) @ axis) / field.sum()
    assert float(centre) == pytest.approx(points[:, 0].mean(), abs=1e-3)
