"""Small meshes and cameras for the tests of the renderer."""

import numpy as np
from scipy.spatial.transform import Rotation

from equivariance_zoo.scenes.cameras import PerspectiveCamera, View, WeakPerspectiveCamera
from equivariance_zoo.scenes.meshes.mesh import join, plain

GRID = 2.0**12
CUBE = Rotation.create_group("O").as_matrix().round()


def dyadic(points):
    return np.round(np.asarray(points) * GRID) / GRID


def blob(seed=0, rings=14):
    """A bumpy sphere of radius about 1, closed, with random colours; its vertices lie on a dyadic grid."""
    rng = np.random.default_rng(seed)
    polar, around = np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    polar, around = (grid.ravel() for grid in np.meshgrid(polar, around, indexing="ij"))
    unit = np.stack([np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], axis=1)
    bumps = 1 + 0.2 * np.sin(3 * unit @ rng.standard_normal((3, 4))).mean(axis=1)
    ring, place = (grid.ravel() for grid in np.meshgrid(np.arange(rings - 1), np.arange(2 * rings), indexing="ij"))
    one, next_one = ring * 2 * rings + place, ring * 2 * rings + (place + 1) % (2 * rings)
    below, next_below = one + 2 * rings, next_one + 2 * rings
    triangles = np.concatenate([np.stack([one, below, next_one], 1), np.stack([next_one, below, next_below], 1)])
    colours = rng.uniform(0.2, 0.8, (len(unit), 3))
    return plain(dyadic(unit * bumps[:, None]), triangles, colours, gloss=0.3)


def scene():
    """Two blobs, of which one hides a part of the other."""
    return join([blob(0), blob(1).moved(0.5 * np.eye(3), [0.75, 0.25, 0.875])])


def perspective():
    view = View.looking_at([0.1, 0, 0.05], dyadic([1.3, 2.1, 9.0]), roll=0.3)
    return PerspectiveCamera.with_field(view, 20)


def weak():
    rotation = Rotation.from_euler("yxz", [0.4, -0.3, 0.2]).as_matrix()
    return WeakPerspectiveCamera(View(rotation, dyadic([0.1, 0.2, -0.3])), 0.6, (0.05, -0.1))


CAMERAS = [perspective, weak]
