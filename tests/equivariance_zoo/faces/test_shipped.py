import dataclasses

import pytest
import torch

from equivariance_zoo import faces


def test_shapes_and_dtypes():
    for count in (1, 2, 3, 4):
        for dtype in (torch.float32, torch.float64):
            sample = faces.sample(count, dtype)
            assert sample.positions.shape == (count, 1024, 3)
            assert sample.landmarks.shape == (count, 68, 3)
            assert sample.unit_mm.shape == (count,)
            assert sample.positions.dtype == sample.landmarks.dtype == dtype
            assert sample.unit_mm.dtype == torch.float64


def test_both_dtypes_hold_the_same_cloud():
    single, double = faces.sample(dtype=torch.float32), faces.sample(dtype=torch.float64)
    assert torch.equal(single.positions.double(), double.positions)
    assert torch.equal(single.landmarks.double(), double.landmarks)


def test_a_change_by_the_caller_does_not_reach_the_next_call():
    first = faces.sample(1)
    before = first.positions.clone()
    first.positions.zero_()
    assert torch.equal(faces.sample(1).positions, before)
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.positions = before


def test_frame_and_unit():
    sample = faces.sample(dtype=torch.float64)
    assert sample.positions.abs().max() <= 1
    assert sample.positions.mean(dim=1).abs().max() < 0.02
    outer_eye_corners_mm = (sample.landmarks[:, 36] - sample.landmarks[:, 45]).norm(dim=-1) * sample.unit_mm
    assert ((outer_eye_corners_mm > 80) & (outer_eye_corners_mm < 105)).all()
    right_jaw, chin, left_jaw, nose_tip = (sample.landmarks[:, i] for i in (0, 8, 16, 30))
    assert (right_jaw[:, 0] < chin[:, 0]).all()
    assert (chin[:, 0] < left_jaw[:, 0]).all()
    assert (chin[:, 1] < nose_tip[:, 1]).all()
    assert (nose_tip[:, 2] == sample.landmarks[..., 2].amax(dim=1)).all()


def test_every_landmark_lies_among_the_points():
    sample = faces.sample()
    assert torch.cdist(sample.landmarks, sample.positions).amin(dim=-1).max() < 0.07


def test_the_faces_differ():
    landmarks = faces.sample().landmarks
    assert torch.cdist(landmarks.flatten(1), landmarks.flatten(1)).fill_diagonal_(1).min() > 0.1


@pytest.mark.parametrize("number", range(4))
def test_clouds_are_generic(number):
    positions = faces.sample(dtype=torch.float64).positions[number]
    distances = (positions[:, None] - positions).square().sum(dim=-1).sort(dim=-1).values
    gaps = distances.diff(dim=-1)
    assert gaps.min() > 0, "points coincide, or two are equally far from a third"
    # 40 neighbours, as the published network has: none changes places with the 41st by rounding in float32.
    assert (gaps[:, 40] / distances[:, 40]).min() > 1e-6


def test_node_order_is_not_that_of_farthest_point_sampling():
    picks = faces.farthest_points(faces.sample(1).positions[0].numpy(), 1024)
    assert (picks == range(1024)).mean() < 0.05


@pytest.mark.parametrize("count", [0, 5, -1, 1.5])
def test_other_counts_are_errors(count):
    with pytest.raises(faces.FaceError, match=f"count: expected 1 to 4 built-in faces but got {count}"):
        faces.sample(count)


@pytest.mark.parametrize("dtype", [torch.float16, torch.int64])
def test_other_dtypes_are_errors(dtype):
    with pytest.raises(faces.FaceError, match=f"dtype: .* but got {dtype}"):
        faces.sample(1, dtype)
