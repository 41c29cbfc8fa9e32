import numpy as np
import pytest

from equivariance_zoo.scenes.cameras import PerspectiveCamera, View, WeakPerspectiveCamera
from equivariance_zoo.scenes.lighting import Lighting, key_and_fill, random_lighting
from equivariance_zoo.scenes.meshes.mesh import join, plain
from equivariance_zoo.scenes.render import normals_of, render_buffers, render_picture, visible_vertices
from tests.equivariance_zoo.scenes.blobs import CAMERAS, blob, scene

FRONT = WeakPerspectiveCamera(View(np.eye(3), np.zeros(3)), 1.0)
SQUARE = [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]


def square(depth=0.0, size=1.0, colour=(0.5, 0.5, 0.5)):
    return plain(np.array(SQUARE) * size - [0, 0, depth], [[0, 1, 2], [0, 2, 3]], colour)


def by_hand(screen, triangles, size):
    """The z-buffer in plain numpy: every pixel against every triangle."""
    centres = np.arange(size) + 0.5 - size / 2
    x, y = np.meshgrid(centres, centres)
    nearest, index = np.full((size, size), -np.inf), np.full((size, size), -1)
    for number, corners in enumerate(triangles):
        (a, b, c) = screen[corners]
        areas = np.stack([(q[0] - x) * (r[1] - y) - (q[1] - y) * (r[0] - x) for q, r in ((b, c), (c, a), (a, b))])
        inside = (areas >= 0).all(0) | (areas <= 0).all(0)
        near = np.tensordot([a[2], b[2], c[2]], areas, 1) / areas.sum(0)
        better = inside & (near > nearest)
        nearest[better], index[better] = near[better], number
    return index


@pytest.mark.parametrize("make", CAMERAS)
def test_the_rasterizer_is_every_pixel_against_every_triangle(make):
    from equivariance_zoo.scenes.cameras import screen_of

    mesh, camera = scene(), make()
    screen = screen_of(camera, camera.view.to_camera(mesh.vertices), 40)
    with np.errstate(invalid="ignore", divide="ignore"):
        assert np.array_equal(render_buffers(mesh, camera, 40).index, by_hand(screen, mesh.triangles, 40))


def test_no_pixel_between_two_triangles_is_left_out():
    """A square over the whole picture, cut by random points: each pixel belongs to a triangle."""
    from scipy.spatial import Delaunay

    rng = np.random.default_rng(0)
    flat = np.concatenate([np.array(SQUARE)[:, :2], rng.uniform(-1, 1, (300, 2)), np.zeros((1, 2))])
    mesh = plain(np.concatenate([flat, rng.uniform(-0.1, 0.1, (len(flat), 1))], 1), Delaunay(flat).simplices, [0.5] * 3)
    for size in (17, 64, 101):
        assert render_buffers(mesh, FRONT, size).mask.all()


def test_pixel_centres_on_edges_are_covered():
    """All edges of this square run through pixel centres."""
    camera = WeakPerspectiveCamera(View(np.eye(3), np.zeros(3)), 0.75)
    assert render_buffers(square(), camera, 4).mask.all()
    assert render_buffers(square(size=0.99), camera, 4).mask.sum() == 4


def test_the_nearer_surface_is_seen_in_either_order():
    for first, second in ((0, 2), (2, 0)):
        mesh = join([square(first), square(second)])
        near = 0 if first < second else 2
        assert set(np.unique(render_buffers(mesh, FRONT, 8).index)) == {near, near + 1}
        assert (render_buffers(mesh, FRONT, 8).depth == 0).all()


def test_barycentric_coordinates_are_those_of_space_and_not_of_the_screen():
    """On a floor that runs away from the camera, the middle of the picture is nearer than the middle of the floor."""
    floor = plain([[-1, -1, -1], [1, -1, -1], [1, -1, -9], [-1, -1, -9]], [[0, 1, 2], [0, 2, 3]], [0.5] * 3)
    camera = PerspectiveCamera(View(np.eye(3), np.zeros(3)), 1.0)
    buffers = render_buffers(floor, camera, 64)
    depths = floor.vertices[:, 2:]
    assert np.abs(-buffers.interpolate(depths)[..., 0] - buffers.depth)[buffers.mask].max() < 1e-5
    v = 1 - (np.nonzero(buffers.mask)[0] + 0.5) * 2 / 64
    assert np.abs(buffers.depth[buffers.mask] * -v - 1).max() < 1e-9


def test_normals_of_a_sphere_point_outwards():
    mesh = blob()
    round_one = mesh.with_vertices(mesh.vertices / np.linalg.norm(mesh.vertices, axis=1, keepdims=True))
    inner = np.abs(round_one.vertices[:, 1]) < 0.99
    assert np.abs((normals_of(round_one) * round_one.vertices).sum(1)[inner]).min() > 0.98
    turned = render_buffers(round_one, FRONT, 32).interpolate(normals_of(round_one))
    assert turned.shape == (32, 32, 3)


def test_the_vertex_of_a_pixel_is_the_nearest_corner():
    vertex = render_buffers(square(), FRONT, 8).vertex()
    assert vertex[0, 0] == 3
    assert vertex[0, -1] == 2
    assert vertex[-1, 0] == 0
    assert render_buffers(square(size=0.5), FRONT, 8).vertex()[0, 0] == -1


def test_samples_of_a_pixel_are_averaged():
    picture = render_picture(square(size=0.25 + 1e-9), FRONT, key_and_fill(), 4, samples=2)
    assert picture.shape == (4, 4, 4)
    assert np.array_equal(picture[..., 3] > 0, np.pad(np.ones((2, 2), bool), 1))
    assert (picture[1:3, 1:3, 3] == 0.25).all()
    one = render_picture(square(), FRONT, key_and_fill(), 4, samples=1)
    assert np.abs(one - render_picture(square(), FRONT, key_and_fill(), 4, samples=3)).max() < 1e-6


def test_light_falls_on_the_side_that_it_comes_from():
    light = Lighting(np.array([[1.0, 0, 0.2]]), np.ones((1, 3)), np.zeros((2, 3)), wrap=0.0)
    picture = render_picture(blob(), FRONT, light, 32)[..., :3]
    assert picture[:, 20:].sum() > 10 * picture[:, :12].sum()


def test_a_turned_triangle_is_lit_from_both_sides():
    light = key_and_fill()
    mesh = square()
    turned = plain(mesh.vertices, mesh.triangles[:, ::-1], mesh.colours)
    assert np.array_equal(render_picture(mesh, FRONT, light, 8), render_picture(turned, FRONT, light, 8))


def test_gloss_makes_a_highlight_and_no_light_is_black():
    dull, glossy = blob(), blob()
    glossy = type(dull)(dull.vertices, dull.triangles, dull.colours, np.ones(len(dull.vertices)), dull.smoothing)
    assert (
        render_picture(glossy, FRONT, key_and_fill(), 32).max() > render_picture(dull, FRONT, key_and_fill(), 32).max()
    )
    dark = Lighting(np.ones((1, 3)), np.zeros((1, 3)), np.zeros((2, 3)))
    assert render_picture(glossy, FRONT, dark, 32)[..., :3].max() == 0


def test_random_light_comes_from_its_generator():
    one, other = (random_lighting(np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.directions, other.directions)


@pytest.mark.parametrize("make", CAMERAS)
def test_visible_vertices_are_those_that_no_triangle_hides(make):
    from equivariance_zoo.scenes.cameras import screen_of

    mesh, camera = scene(), make()
    screen = screen_of(camera, camera.view.to_camera(mesh.vertices), 2)
    expected = np.ones(len(screen), bool)
    for number, (x, y, near) in enumerate(screen):
        a, b, c = (screen[mesh.triangles[:, corner]] for corner in range(3))
        areas = np.stack(
            [(q[:, 0] - x) * (r[:, 1] - y) - (q[:, 1] - y) * (r[:, 0] - x) for q, r in ((b, c), (c, a), (a, b))], 1
        )
        inside = ((areas > 0).all(1) | (areas < 0).all(1)) & (mesh.triangles != number).all(1)
        found = (areas * np.stack([a[:, 2], b[:, 2], c[:, 2]], 1)).sum(1)[inside] / areas.sum(1)[inside]
        expected[number] = not (found > near + 1e-9).any()
    found = visible_vertices(mesh, camera)
    assert (found != expected).sum() <= 2
    assert 0.2 < found.mean() < 0.7


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="size: expected a whole number, 1 or more, got 0"):
        render_buffers(blob(), FRONT, 0)
    with pytest.raises(ValueError, match="samples: expected a whole number"):
        render_picture(blob(), FRONT, key_and_fill(), 8, samples=0)
    with pytest.raises(ValueError, match=r"attribute: expected floating-point numbers \[V, C\]"):
        render_buffers(blob(), FRONT, 8).interpolate(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="directions: expected directions that are not zero"):
        Lighting(np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((2, 3)))
