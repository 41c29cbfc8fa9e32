import importlib.util
import sys

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from equivariance_zoo import faces
from equivariance_zoo.faces import CONDITIONS, FaceError, under_condition
from equivariance_zoo.faces.conditions import LEAKING
from equivariance_zoo.faces.geometry.registration import align, align_landmarks
from tests.equivariance_zoo.faces import open3d_standin
from tests.equivariance_zoo.faces.samples import face_set, same

pytestmark = pytest.mark.numeric


def spread(points):
    return torch.cdist(points.double(), points.double())


def rotation_between(one, other):
    return align_landmarks(one.double().numpy(), other.double().numpy()).rotation


@pytest.mark.parametrize("condition", ["ST_r", "ST_t", "ST_rt", *LEAKING])
def test_a_face_moves_rigidly_and_as_a_whole(condition):
    given = face_set()
    moved = under_condition(given, condition, seed=1)
    before, after = (torch.cat([f.landmarks, f.positions, f.surface], dim=1) for f in (given, moved))
    assert moved.positions.dtype == torch.float32
    assert not torch.allclose(before, after)
    torch.testing.assert_close(spread(after), spread(before), rtol=0, atol=1e-5)


def test_none_moves_nothing():
    given = face_set()
    assert same(under_condition(given, "none", seed=1), given)


def test_rotations_and_translations_are_those_asked_for():
    given = face_set()
    rotated, shifted, both = (under_condition(given, name, seed=3) for name in ("ST_r", "ST_t", "ST_rt"))
    torch.testing.assert_close(rotated.positions.norm(dim=-1), given.positions.norm(dim=-1))
    shift = shifted.positions - given.positions
    torch.testing.assert_close(shift, shift[:, :1].expand_as(shift), rtol=0, atol=2e-6)
    assert shift.abs().max() <= 10
    torch.testing.assert_close(both.positions, rotated.positions + shift, rtol=0, atol=5e-6)


def test_each_face_has_a_motion_of_its_own_that_the_seed_decides():
    twins = face_set()[[0, 0]]
    moved = under_condition(twins, "ST_rt", seed=0)
    assert not torch.equal(moved.positions[0], moved.positions[1])
    assert same(moved, under_condition(twins, "ST_rt", seed=0))
    assert not same(moved, under_condition(twins, "ST_rt", seed=1))
    assert same(under_condition(twins[:1], "ST_rt", seed=0), moved[:1])


@pytest.mark.slow
def test_rotations_are_uniform_over_the_group():
    many = face_set()[[0] * 2000]
    moved = under_condition(many, "ST_r", seed=0)
    angles = [rotation_between(a, b).magnitude() for a, b in zip(many.landmarks, moved.landmarks, strict=True)]
    # The angle of a Haar rotation has the density (1 - cos a) / pi, of mean pi / 2 + 2 / pi.
    assert np.mean(angles) == pytest.approx(np.pi / 2 + 2 / np.pi, abs=0.06)


def test_translations_fill_the_range():
    moved = under_condition(face_set()[[0] * 500], "ST_t", seed=0)
    shift = moved.positions[:, 0] - face_set().positions[0, 0]
    assert shift.abs().max() > 9.5
    assert shift.mean(dim=0).abs().max() < 1


@pytest.mark.parametrize("condition", LEAKING)
def test_the_landmark_variant_lays_landmarks_on_the_templates(condition):
    given = face_set()
    aligned = under_condition(given, condition, seed=2)
    to_template = [rotation_between(face, faces.sample(1).landmarks[0]) for face in aligned.landmarks]
    assert max(rotation.magnitude() for rotation in to_template) < 1e-5
    centre = faces.sample(1).landmarks[0].mean(dim=0)
    torch.testing.assert_close(aligned.landmarks.mean(dim=1), centre.expand(4, 3), rtol=0, atol=1e-5)


def test_closed_form_alignment_undoes_a_motion():
    landmarks = faces.sample(1, torch.float64).landmarks[0].numpy()
    rotation = Rotation.from_rotvec([1.0, -2.0, 0.5])
    motion = align_landmarks(rotation.apply(landmarks) + np.array([3, 4, 5]), landmarks)
    np.testing.assert_allclose((motion.rotation * rotation).magnitude(), 0, atol=1e-7)


@pytest.mark.parametrize("directions", [[0, 0, 0], [0, 1, 0]])
@pytest.mark.parametrize("noise", [0.0, 1e-15])
def test_landmarks_at_one_place_or_on_one_line_align_with_nothing(directions, noise):
    landmarks = faces.sample(1, torch.float64).landmarks[0].numpy()
    flat = landmarks * directions + noise * np.random.default_rng(0).normal(size=(68, 3)) + 3
    for points, template in ((flat, landmarks), (landmarks, flat)):
        with pytest.raises(faces.FaceError, match="landmarks: expected points that span a plane"):
            align_landmarks(points, template)


@pytest.fixture
def _open3d(monkeypatch):
    """Open3D, or where it is not installed a stand-in."""
    if importlib.util.find_spec("open3d") is None:
        monkeypatch.setitem(sys.modules, "open3d", open3d_standin.module())


@pytest.mark.slow
@pytest.mark.usefixtures("_open3d")
@pytest.mark.parametrize("condition", ["ICP_r", "ICP_t", "ICP_rt"])
def test_icp_finds_back_from_any_pose(condition):
    sample = faces.sample()
    given = face_set(points=1024, surface=sample.positions)
    aligned = under_condition(given, condition, seed=5)
    angles = [
        np.degrees(rotation_between(*pair).magnitude()) for pair in zip(given.landmarks, aligned.landmarks, strict=True)
    ]
    assert angles[0] < 0.1  # the template itself
    assert max(angles) < 10


@pytest.mark.usefixtures("_open3d")
def test_icp_looks_at_no_landmark():
    given = face_set(points=512, count=1)
    unknown_axes = face_set(points=512, count=1, landmarks=torch.zeros(1, 68, 3))
    one, other = (under_condition(faces_, "ICP_rt", seed=0) for faces_ in (given, unknown_axes))
    torch.testing.assert_close(one.positions, other.positions, rtol=0, atol=0)


@pytest.mark.usefixtures("_open3d")
def test_icp_takes_another_template():
    template = face_set().positions[2] + 5
    aligned = under_condition(face_set(count=3)[[2]], "ICP_rt", seed=0, template=template)
    torch.testing.assert_close(aligned.positions[0], template, rtol=0, atol=1e-2)


def test_without_open3d_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(ImportError, match=r'pip install "equivariance\[open3d\]"'):
        under_condition(face_set(), "ICP_rt", seed=0)
    with pytest.raises(ImportError, match="alignment without landmarks: open3d is needed"):
        align(np.zeros((4, 3)), np.zeros((4, 3)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"condition": "ICP"}, r"condition='ICP': expected one of none, ICP_r, .*, ICP_rt_landmarks"),
        ({"seed": -1}, "seed=-1: expected at least 0"),
        (
            {"condition": "ICP_t", "template": torch.zeros(3)},
            r"expected finite points \[n, 3\] but got .* \[3\]",
        ),
        ({"condition": "ICP_t", "template": torch.full((9, 3), torch.nan)}, "template: expected finite points"),
        ({"condition": "ICP_t_landmarks", "template": torch.zeros(9, 3)}, r"\[68, 3\] but got shape \[9, 3\]"),
    ],
)
def test_invalid_arguments_are_rejected(arguments, message):
    with pytest.raises(FaceError, match=message):
        under_condition(face_set(), **({"condition": "ST_r", "seed": 0} | arguments))


def test_the_names_are_those_of_the_reports_table():
    assert CONDITIONS == ("none", "ICP_r", "ICP_t", "ICP_rt", "ST_r", "ST_t", "ST_rt")
