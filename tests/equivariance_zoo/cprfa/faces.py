"""A small morphable model that needs no file: a bowl of vertices with smooth random modes."""

import numpy as np

from equivariance_zoo.cprfa.model3d import LinearShape, Pose

LANDMARKS = 68


def made_model(vertices=200, identities=4, expressions=3, seed=0):
    """The shape of vertices and that of 68 landmarks, with the same modes."""
    rng = np.random.default_rng(seed)
    across = rng.uniform(-1, 1, (vertices + LANDMARKS, 2)) * [7.0, 9.0]
    points = np.column_stack([across, 6 - 0.09 * (across**2).sum(1) + np.cos(across).sum(1)])
    waves = rng.normal(size=(identities + expressions, 2, 3))
    modes = 0.3 * np.sin(np.einsum("nx,kxc->knc", across, 0.3 * waves))
    return (
        LinearShape(points[:vertices], modes[:, :vertices], identities),
        LinearShape(points[vertices:], modes[:, vertices:], identities),
    )


def random_pose(rng, yaw=60.0):
    pitch, yaw, roll = np.radians(rng.uniform(-1, 1, 3) * [25, yaw, 30])
    return Pose.of_angles(pitch, yaw, roll, rng.uniform(7, 9.5), tuple(rng.uniform(-15, 15, 2)))
