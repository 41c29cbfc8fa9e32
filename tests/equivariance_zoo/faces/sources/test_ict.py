import numpy as np
import pytest

from equivariance_zoo.faces import FaceError, load_ict
from equivariance_zoo.faces.sources.ict import IctFaces
from tests.equivariance_zoo.faces.meshes import packed_model


@pytest.fixture
def model(tmp_path):
    names = np.array(["jawOpen", "mouthSmile_L", "mouthSmile_R"])
    expressions = {"ex_q": np.full((3, 12, 3), 100, dtype=np.int16), "ex_scale": np.full(3, 1e-2, dtype=np.float32)}
    np.savez(tmp_path / "model.npz", **packed_model(ex_names=names, **expressions))
    return load_ict(tmp_path / "model.npz")


def test_people_are_neutral_first_then_expressive(model):
    source = IctFaces(model, people=3, expressions=2)
    faces = [source[number] for number in range(len(source))]
    assert len(faces) == 9
    assert len({face.name for face in faces}) == 9
    assert [face.subject for face in faces] == ["ict-0000"] * 3 + ["ict-0001"] * 3 + ["ict-0002"] * 3
    assert [face.expression == "neutral" for face in faces] == [True, False, False] * 3


def test_a_person_is_the_same_whatever_is_asked_beside(model):
    one, many = IctFaces(model, people=1), IctFaces(model, people=5, expressions=1)
    np.testing.assert_array_equal(one[0].points, many[0].points)
    assert not np.array_equal(many[0].points, many[2].points)
    assert not np.array_equal(many[0].points, IctFaces(model, people=1, seed=1)[0].points)


def test_faces_are_in_millimetres_with_landmarks_on_their_vertices(model):
    face = IctFaces(model, people=1)[0]
    weights = np.random.default_rng([0, 0]).standard_normal(3)
    np.testing.assert_allclose(face.points, model.neutral(weights).vertices * 10)
    np.testing.assert_array_equal(face.landmarks, face.points[model.landmarks])


def test_an_expression_moves_the_face_by_its_weights(model):
    source = IctFaces(model, people=1, expressions=1)
    weights = [float(part.partition(":")[2]) for part in source[1].expression.split("+")]
    np.testing.assert_allclose(source[1].points - source[0].points, 10 * sum(weights), atol=10 * 0.005 * len(weights))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"people": 0}, "people=0: expected at least 1"),
        ({"people": 1, "expressions": -1}, "expressions=-1: expected at least 0"),
        ({"people": 1, "seed": -1}, "seed=-1: expected at least 0"),
    ],
)
def test_invalid_numbers_are_rejected(model, arguments, message):
    with pytest.raises(FaceError, match=message):
        IctFaces(model, **arguments)


def test_a_model_without_expressions_makes_none(tmp_path):
    np.savez(tmp_path / "model.npz", **packed_model())
    model = load_ict(tmp_path / "model.npz")
    assert IctFaces(model, people=1)[0].expression == "neutral"
    with pytest.raises(FaceError, match="expressions=1: expected 0, since the model has none"):
        IctFaces(model, people=1, expressions=1)
    with pytest.raises(FaceError, match="none: the model has no expressions"):
        model.expressive([0.0], {"jawOpen": 1})


@pytest.mark.parametrize("weights", [{"smile": 0.5}, {"jawOpen": 1.5}, {"jawOpen": float("nan")}])
def test_what_is_no_expression_is_rejected(model, weights):
    with pytest.raises(FaceError, match="expression_weights: expected"):
        model.expressive([0.0], weights)


@pytest.mark.parametrize("number", [-1, 3])
def test_there_are_no_more_faces(model, number):
    with pytest.raises(IndexError):
        IctFaces(model, people=3)[number]
