import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces import FaceError, RigidMotion, random_motion

pytestmark = pytest.mark.numeric


def test_rotation_then_translation_of_row_vectors():
    # A quarter turn about z takes x to y.
    motion = RigidMotion(Rotation.from_rotvec([0, 0, math.pi / 2]), np.array([10.0, 0.0, 1.0]))
    moved = motion.apply(torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64))
    torch.testing.assert_close(moved, torch.tensor([[10.0, 1.0, 1.0]], dtype=torch.float64), rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_distances_shapes_and_dtype_are_kept(dtype):
    points = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    before = points.clone()
    moved = random_motion(np.random.default_rng(3)).apply(points)
    assert moved.dtype == dtype
    assert moved.shape == points.shape
    torch.testing.assert_close(points, before, rtol=0, atol=0)
    torch.testing.assert_close(torch.cdist(moved, moved), torch.cdist(points, points), rtol=0, atol=1e-5)


def test_translations_fill_the_range_and_rotations_are_uniform():
    rng = np.random.default_rng(0)
    motions = [random_motion(rng, max_translation=2.0) for _ in range(2000)]
    translations = np.array([motion.translation for motion in motions])
    assert np.abs(translations).max() <= 2.0
    assert (np.abs(translations).max(axis=0) > 1.9).all()
    matrices = np.array([motion.rotation.as_matrix() for motion in motions])
    np.testing.assert_allclose(np.linalg.det(matrices), 1, rtol=1e-12)
    # Haar measure: each entry has mean 0 and mean square 1/3.
    assert np.abs(matrices.mean(axis=0)).max() < 0.06
    assert np.abs(np.square(matrices).mean(axis=0) - 1 / 3).max() < 0.04


def test_the_range_is_ten_units_unless_told():
    rng = np.random.default_rng(0)
    largest = max(np.abs(random_motion(rng).translation).max() for _ in range(200))
    assert 9 < largest <= 10


@pytest.mark.parametrize("length", [-1.0, math.inf, math.nan])
def test_unusable_range_is_an_error(length):
    with pytest.raises(FaceError, match=f"max_translation: .* but got {length}"):
        random_motion(np.random.default_rng(0), max_translation=length)


@pytest.mark.parametrize("points", [torch.zeros(4, 2), torch.zeros(()), torch.zeros(4, 3, dtype=torch.int64)])
def test_unusable_points_are_an_error(points):
    motion = random_motion(np.random.default_rng(0))
    with pytest.raises(FaceError, match=r"points: expected shape \[..., 3\] of floating-point numbers but got"):
        motion.apply(points)
