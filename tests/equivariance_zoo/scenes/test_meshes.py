import json

import numpy as np
import pytest

from equivariance_zoo.scenes.meshes.cars import KINDS, random_car
from equivariance_zoo.scenes.meshes.files import Airliners, read_mesh
from equivariance_zoo.scenes.meshes.mesh import Mesh, creased, join, plain, smoothing_groups
from tests.equivariance_zoo.scenes.blobs import blob

CUBE_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
CUBE_TRIANGLES = [
    *([0, 1, 3], [0, 3, 2], [4, 7, 5], [4, 6, 7], [0, 5, 1], [0, 4, 5]),
    *([2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 7, 3], [1, 5, 7]),
]


def cube():
    return plain(CUBE_CORNERS, CUBE_TRIANGLES, [0.5, 0.4, 0.3])


def test_joined_meshes_keep_their_triangles():
    first, second = cube(), blob()
    both = join([first, second])
    assert len(both.vertices) == 8 + len(second.vertices)
    assert np.array_equal(both.vertices[both.triangles[12:]], second.vertices[second.triangles])
    assert np.array_equal(both.smoothing[8:], second.smoothing + 8)


def test_a_cube_has_sharp_edges_and_a_sphere_none():
    split = creased(cube(), 30)
    assert len(split.vertices) == 24
    assert len(np.unique(split.smoothing)) == 24
    assert np.array_equal(split.vertices[split.triangles], cube().vertices[cube().triangles])
    smooth = creased(cube(), 100)
    assert len(np.unique(smooth.smoothing)) == 8
    round_one = blob()
    assert len(np.unique(creased(round_one, 60).smoothing)) < 1.1 * len(round_one.vertices)


def test_vertices_at_one_place_share_a_normal_if_it_is_near():
    """Two triangles with vertices of their own along a common edge, bent by 20 degrees."""
    bend = np.radians(20)
    far = [-np.cos(bend), 0, np.sin(bend)]
    points = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], far])
    triangles = np.array([[0, 2, 1], [3, 4, 5]])
    assert smoothing_groups(points, triangles, 30).tolist() == [0, 1, 2, 0, 1, 5]
    assert smoothing_groups(points, triangles, 10).tolist() == [0, 1, 2, 3, 4, 5]


def test_a_mesh_is_scaled_to_its_extent():
    mesh = plain(CUBE_CORNERS * [4, 2, 1] + 7, CUBE_TRIANGLES, [0.5] * 3).normalized(2)
    assert np.allclose(mesh.vertices.min(0), [-1, -0.5, -0.25])
    assert np.allclose(mesh.vertices.max(0), [1, 0.5, 0.25])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colours": np.zeros((3, 3))}, r"colours: expected shape \[8, 3\], got \[3, 3\]"),
        ({"triangles": [[0, 1, 8]]}, "triangles: expected numbers from 0 to 7, got 0 to 8"),
        ({"vertices": np.full((8, 3), np.nan)}, "vertices: expected finite coordinates"),
        ({"smoothing": np.full(8, -1)}, "smoothing: expected numbers from 0 to 7"),
    ],
)
def test_a_mesh_that_does_not_fit_together_is_refused(changes, message):
    mesh = cube()
    arrays = {name: getattr(mesh, name) for name in ("vertices", "triangles", "colours", "gloss", "smoothing")}
    with pytest.raises(ValueError, match=message):
        Mesh(**{**arrays, **changes})


@pytest.mark.parametrize("kind", KINDS)
def test_a_car_stands_on_its_wheels_and_is_its_own_mirror_image(kind):
    car = random_car(np.random.default_rng(3), kind)
    low, high = car.vertices.min(0), car.vertices.max(0)
    assert abs(low[1]) < 0.01
    assert 1.2 < high[1] < 2.1
    assert 3.5 < high[2] - low[2] < 5.6
    assert 1.6 < high[0] - low[0] < 2.5
    rows = {tuple(row) for row in car.vertices.round(12) + 0.0}
    assert rows == {tuple(row) for row in (car.vertices * [-1, 1, 1]).round(12) + 0.0}
    assert 4000 < len(car.triangles) < 12_000


def test_cars_come_from_their_generator_and_differ():
    one, again, other = (random_car(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one.vertices, again.vertices)
    assert one.vertices.shape != other.vertices.shape or not np.allclose(one.vertices, other.vertices)
    with pytest.raises(ValueError, match=r"kind: expected one of sedan, .*, got 'bus'"):
        random_car(np.random.default_rng(0), "bus")


def test_a_mesh_is_read_with_the_colours_of_its_file(tmp_path):
    import trimesh

    mesh = trimesh.Trimesh(CUBE_CORNERS, CUBE_TRIANGLES, process=False)
    mesh.visual.vertex_colors = np.tile([255, 0, 128, 255], (8, 1))
    path = tmp_path / "cube.glb"
    mesh.export(path)
    found = read_mesh(path)
    assert len(found.triangles) == 12
    assert np.allclose(found.colours, [[1, 0, (128 / 255) ** 2.2]], atol=0.01)
    assert len(found.vertices) == 24


def test_what_is_no_mesh_is_refused(tmp_path):
    with pytest.raises(ValueError, match="mesh: expected a file, got"):
        read_mesh(tmp_path / "absent.obj")
    bad = tmp_path / "bad.gltf"
    bad.write_text(json.dumps({"asset": {"version": "2.0"}, "scenes": 3}))
    with pytest.raises(ValueError, match="mesh: expected"):
        read_mesh(bad)


def packed(path):
    points = np.round((CUBE_CORNERS - 0.5) * 2 * 32767).astype(np.int16)
    arrays = {"one_v": points, "one_f": np.array(CUBE_TRIANGLES, np.uint16), "one_c": np.full((8, 3), 255, np.uint8)}
    np.savez(path, **arrays)
    return path


def test_packed_airliners_are_read(tmp_path):
    models = Airliners(packed(tmp_path / "planes.npz"))
    assert models.names == ["one"]
    mesh = models.read("one")
    assert np.allclose(np.abs(mesh.vertices), 1, atol=1e-4)
    assert np.allclose(mesh.colours, 1)
    with pytest.raises(ValueError, match="name: expected one of one, got 'two'"):
        models.read("two")


def test_what_are_no_airliners_is_refused(tmp_path):
    with pytest.raises(ValueError, match="models: expected a file of packed models"):
        Airliners(tmp_path / "absent.npz")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match=r"models: expected arrays NAME_v, NAME_f and NAME_c, got x"):
        Airliners(tmp_path / "other.npz")


def test_the_airliners_and_cars_of_the_data_folder_are_read(shared_data):
    models = Airliners(shared_data / "planes" / "planes.npz")
    assert len(models.names) == 36
    plane = models.read("a320")
    assert np.abs(plane.vertices).max() == pytest.approx(1, abs=1e-3)
    cars = sorted(path for path in (shared_data / "cars").iterdir() if path.suffix in (".gltf", ".glb"))
    assert len(cars) == 9
    for path in (cars[0], cars[-1]):
        assert len(read_mesh(path).triangles) > 700
