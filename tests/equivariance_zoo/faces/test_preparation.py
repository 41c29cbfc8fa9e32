import pickle
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
import torch

from equivariance_zoo.faces import FaceError, prepare
from equivariance_zoo.faces.geometry.sampling import farthest_points
from tests.equivariance_zoo.faces.samples import MM, Listed, face_mesh, same

SMALL = {"points": 32, "surface_points": 256, "crop": False}


def cloud(**changes):
    return face_mesh(triangles=None, **changes)


def test_faces_are_centred_scaled_and_picked_from_their_surface():
    faces = prepare(Listed(), **SMALL)
    assert faces.positions.shape == (4, 32, 3)
    assert faces.surface.shape == (4, 256, 3)
    assert faces.surface.mean(dim=1).abs().max() < 1e-6
    torch.testing.assert_close(faces.surface.abs().amax(dim=(1, 2)), torch.ones(4))
    for surface, positions in zip(faces.surface, faces.positions, strict=True):
        assert set(map(tuple, positions.tolist())) <= set(map(tuple, surface.tolist()))
    assert faces.subjects == ("person-0", "person-0", "person-1", "person-1")
    assert faces.source == "listed"


def test_landmarks_keep_their_place_on_the_face():
    faces = prepare(Listed(), **SMALL)
    given = face_mesh(1).landmarks
    distances = np.linalg.norm(given[36] - given[45]), (faces.landmarks[1, 36] - faces.landmarks[1, 45]).norm()
    assert distances[0] == pytest.approx(float(distances[1] * faces.unit_mm[1]), rel=1e-5)
    assert faces.unit_mm[1] == pytest.approx(MM, rel=0.2)


def test_the_picks_are_those_of_farthest_point_sampling_shuffled():
    faces = prepare(Listed([cloud()]), points=16, surface_points=400, crop=False)
    picks = faces.surface[0, farthest_points(faces.surface[0].double().numpy(), 16)]
    assert not torch.equal(picks, faces.positions[0])
    assert set(map(tuple, picks.tolist())) == set(map(tuple, faces.positions[0].tolist()))


def test_a_cloud_of_the_asked_size_is_taken_whole_and_in_order():
    faces = prepare(Listed([cloud()]), points=16, surface_points=400, crop=False)
    points = torch.tensor(cloud().points)
    expected = (points - points.mean(dim=0)) / faces.unit_mm[0]
    torch.testing.assert_close(faces.surface[0].double(), expected, rtol=0, atol=1e-6)


def test_of_a_larger_cloud_points_are_drawn_once_each():
    faces = prepare(Listed([cloud()]), points=16, surface_points=300, crop=False)
    assert len(set(map(tuple, faces.surface[0].tolist()))) == 300


def test_a_faces_points_depend_on_the_seed_and_its_number_alone():
    source = Listed()
    faces = prepare(source, seed=7, **SMALL)
    assert same(faces, prepare(source, seed=7, **SMALL))
    assert not same(faces, prepare(source, seed=8, **SMALL))
    assert same(faces[:2], prepare(Listed(source.faces[:2]), seed=7, **SMALL))


@pytest.mark.slow
def test_processes_give_the_same_faces_in_the_same_order():
    seen = []
    one = prepare(Listed(), progress=lambda: seen.append("one"), **SMALL)
    two = prepare(Listed(), workers=2, progress=lambda: seen.append("two"), **SMALL)
    assert same(one, two)
    assert seen == ["one"] * 4 + ["two"] * 4


@pytest.mark.parametrize(
    ("faces", "arguments", "message"),
    [
        ([], {}, "listed: expected at least one face but it has none"),
        ([face_mesh(landmarks=None)], {}, "face-0: expected 68 landmarks but it has none"),
        ([cloud()], {"surface_points": 401}, "face-0: expected at least the 401 points .* but the cloud has 400"),
        ([face_mesh(triangles=np.zeros((4, 3), dtype=int))], {}, "face-0: mesh: expected a surface with an area"),
        ([cloud(points=np.ones((256, 3)))], {}, "face-0: points: expected a cloud with an extent"),
        ([face_mesh()], {"points": 300}, "points=300: expected from 1 to the 256 points of the surface"),
        ([face_mesh()], {"points": 0}, "points=0: expected from 1"),
        ([face_mesh()], {"seed": -1}, "seed=-1: expected at least 0"),
    ],
)
def test_what_cannot_be_prepared_is_rejected(faces, arguments, message):
    with pytest.raises(FaceError, match=message):
        prepare(Listed(faces), **(SMALL | arguments))


def test_an_error_comes_out_of_a_process_as_it_is():
    error = pickle.loads(pickle.dumps(FaceError("face-0: expected 68 landmarks")))
    assert (type(error), str(error)) == (FaceError, "face-0: expected 68 landmarks")


def test_a_process_that_is_ended_is_told(monkeypatch):
    def ended(*arguments):
        raise BrokenProcessPool

    monkeypatch.setattr(ProcessPoolExecutor, "map", ended)
    with pytest.raises(FaceError, match="workers=2: a process was ended from outside; too little memory"):
        prepare(Listed(), workers=2, **SMALL)
