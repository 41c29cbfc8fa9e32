from dataclasses import replace

import pytest
import torch

from equivariance_zoo import faces
from se3unet.training.crops import Cuts, cut
from tests.se3unet.training.small import small_faces


def dense_faces(count=3):
    """Faces of 64 points out of 1,024."""
    return small_faces(count)


def test_points_of_a_ball_of_the_surface_in_another_unit():
    whole = dense_faces()
    part = cut(whole, 0)
    assert part.positions.shape == whole.positions.shape
    scale = (whole.unit_mm / part.unit_mm).float()[:, None, None]
    assert not torch.allclose(scale, torch.ones_like(scale))
    assert float((scale - 1).abs().max()) <= 0.07
    torch.testing.assert_close(part.landmarks, whole.landmarks * scale)
    for number in range(3):
        points, surface = part.positions[number] / scale[number], whole.surface[number]
        gaps = torch.cdist(points, surface, compute_mode="donot_use_mm_for_euclid_dist")
        assert float(gaps.min(1).values.max()) < 1e-6
        radius = (points - points.mean(0)).norm(dim=-1).max() * whole.unit_mm[number]
        assert float(radius) < 2 * 140


def test_a_cut_goes_by_its_seed_and_differs_from_face_to_face():
    whole = dense_faces(5)
    one, same, other = cut(whole, 0), cut(whole, 0), cut(whole, 1)
    assert torch.equal(one.positions, same.positions)
    assert not torch.equal(one.positions, other.positions)
    assert not torch.equal(one.unit_mm, other.unit_mm)


def test_landmarks_that_are_cut_away_have_faint_heatmaps():
    part = cut(dense_faces(), 0, Cuts(radius_mm=(60.0, 70.0)))
    peaks = faces.heatmaps(part.positions, part.landmarks).amax(1)
    assert float(peaks.min()) < 0.01
    assert float(peaks.max()) > 0.5


def test_a_surface_too_thin_is_refused():
    whole = dense_faces()
    thin = replace(whole, surface=whole.surface[:, ::8].contiguous())
    with pytest.raises(ValueError, match="surface: expected 64 points or more in a cut of face 0, got "):
        cut(thin, 0, Cuts(radius_mm=(30.0, 31.0)))
