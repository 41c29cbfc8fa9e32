"""Small meshes and models made for the tests."""

import numpy as np

from equivariance_zoo.faces import Mesh


def triangle_pair(landmark=0):
    """Two triangles in the plane z = 0, the second of three times the first's area."""
    vertices = np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0], [5, 0, 0], [8, 0, 0], [5, 2, 0]], dtype=np.float64)
    return Mesh(vertices, np.array([[0, 1, 2], [3, 4, 5]]), np.full(68, landmark))


def packed_model(**changes):
    """The arrays of a model of 12 vertices in the packed format: two quads and a triangle, three modes."""
    rng = np.random.default_rng(0)
    arrays = {
        "mean": rng.normal(size=(12, 3)).astype(np.float32),
        "id_q": rng.integers(-1000, 1000, size=(3, 12, 3)).astype(np.int16),
        "id_scale": np.array([1e-3, 2e-3, 3e-3], dtype=np.float32),
        "quads": np.array([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 65535]], dtype=np.uint16),
        "lm68": np.arange(68) % 12,
    }
    return {name: array for name, array in (arrays | changes).items() if array is not None}
