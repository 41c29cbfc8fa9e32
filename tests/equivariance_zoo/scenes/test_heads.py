import numpy as np
import pytest

from equivariance_zoo.faces.models.ict import load_ict
from equivariance_zoo.scenes.cameras import View, WeakPerspectiveCamera
from equivariance_zoo.scenes.datasets.heads import NO_VERTEX, HeadSettings, random_angles, sample
from equivariance_zoo.scenes.meshes.heads import HeadModel
from equivariance_zoo.scenes.meshes.skin import random_look
from equivariance_zoo.scenes.render import render_buffers


@pytest.fixture(scope="module")
def model(shared_data_of_module):
    return HeadModel(load_ict(shared_data_of_module / "ict_face_model" / "ict_face_model.npz"))


@pytest.fixture(scope="module")
def shared_data_of_module(request):
    return request.getfixturevalue("shared_data")


def rng(seed=0):
    return np.random.default_rng(seed)


def test_vertices_are_those_of_the_morphable_model(model, shared_data):
    ict = load_ict(shared_data / "ict_face_model" / "ict_face_model.npz")
    identity, expression = model.random_weights(rng(1))
    named = {name: weight for name, weight in zip(ict.expression_names, expression, strict=True) if weight}
    expected = ict.expressive(identity, named).vertices
    assert np.abs(model.vertices(identity, expression) - expected).max() < 1e-4
    with pytest.raises(ValueError, match=r"identity: expected 50 weights, got shape \[3\]"):
        model.vertices(np.zeros(3), expression)


@pytest.mark.parametrize("seed", range(4))
def test_a_head_has_eyes_between_its_lids_and_hair_above_its_scalp(model, seed):
    vertices = model.vertices(*model.random_weights(rng(seed)))
    head = model.head(vertices, random_look(rng(seed)))
    count = len(model.mean)
    assert np.array_equal(head.mesh.vertices[:count], vertices)
    assert np.array_equal(head.source[:count], np.arange(count))
    eyes = head.mesh.vertices[head.source < 0]
    assert np.abs(eyes - vertices[model.landmarks[36:68]].mean(0)).max() < 9
    hair = head.source[count:] >= 0
    below = vertices[head.source[count:][hair]]
    if len(below):
        assert np.linalg.norm(head.mesh.vertices[count:][hair] - below, axis=1).max() < 3
        assert not np.isin(head.source[count:][hair], model.landmarks[17:]).any()


def test_an_open_eye_shows_the_eyeball_and_a_closed_one_does_not(model):
    shown = []
    for closed in (0.0, 1.0):
        expression = np.zeros(model.expressions)
        for name in ("eyeBlink_L", "eyeBlink_R"):
            expression[model.expression_names.index(name)] = closed
        head = model.head(model.vertices(np.zeros(model.identities), expression), random_look(rng()))
        camera = WeakPerspectiveCamera(View(np.eye(3), model.centre), 1 / 16)
        buffers = render_buffers(head.mesh, camera, 128)
        shown.append(int((head.source[buffers.vertex()][buffers.mask] < 0).sum()))
    assert shown[0] > 30
    assert shown[1] < 0.5 * shown[0]


def test_labels_of_a_picture_agree(model):
    settings = HeadSettings(count=8, size=64, occluded=0.0, dense=True)
    found = sample(model, settings, 2)
    assert found["picture"].shape == (64, 64, 3)
    assert found["picture"].dtype == np.uint8
    inside = found["landmarks"][:, :2]
    assert inside.min() > 0
    assert inside.max() < 64
    columns, rows = np.floor(inside[found["visible"]]).astype(int).T
    assert np.isfinite(found["depth"][rows, columns]).mean() > 0.8
    near = np.abs(found["depth"][rows, columns] - found["landmarks"][found["visible"], 2])
    assert np.median(near) < 0.5
    on = found["vertex"] != NO_VERTEX
    expected = model.coordinates[found["vertex"][on]]
    assert np.abs(found["pncc"][on] / 65535 - expected).max() < 0.06
    assert np.median(np.abs(found["pncc"][on] / 65535 - expected)) < 0.01


def test_a_camera_is_rebuilt_from_the_labels(model):
    found = sample(model, HeadSettings(count=8, size=64), 5)
    camera = WeakPerspectiveCamera(
        View(found["rotation"], model.centre), float(found["scale"]), (*found["translation"],)
    )
    vertices = model.vertices(found["identity"], found["expression"])
    from equivariance_zoo.scenes.cameras import pixels_of_ndc

    pixels = pixels_of_ndc(camera.project(vertices[model.landmarks]), 64)
    assert np.abs(pixels - found["landmarks"][:, :2]).max() < 1e-3


def test_a_sample_depends_on_its_number_and_seed_only(model):
    settings = HeadSettings(count=100, size=32)
    one, again = sample(model, settings, 7), sample(model, HeadSettings(count=9, size=32), 7)
    assert np.array_equal(one["picture"], again["picture"])
    assert not np.array_equal(one["picture"], sample(model, settings, 8)["picture"])


def test_unusual_poses_lie_beyond_the_limits():
    limits = np.array([40, 90, 45])
    usual = np.array([random_angles(rng(seed), 0.0) for seed in range(200)])
    unusual = np.array([random_angles(rng(seed), 1.0) for seed in range(200)])
    assert (np.abs(usual) <= limits).all()
    assert (np.abs(unusual) > limits).any(1).all()
    assert (np.abs(unusual) <= 2 * limits).all()
