"""As much of Open3D as alignment uses, for where it is not installed: the textbook's point-to-point ICP."""

import types

import numpy as np
from scipy.spatial import KDTree

from equivariance_zoo.faces.geometry.registration import align_landmarks


def _registration_icp(source, target, reach, start, estimation, criteria):
    matrix = np.array(start)
    tree = KDTree(target.points)
    for _ in range(criteria.max_iteration):
        moved = source.points @ matrix[:3, :3].T + matrix[:3, 3]
        distances, nearest = tree.query(moved)
        near = distances < reach
        motion = align_landmarks(moved[near], target.points[nearest[near]])
        step = np.eye(4)
        step[:3, :3], step[:3, 3] = motion.rotation.as_matrix(), motion.translation
        matrix = step @ matrix
        if motion.rotation.magnitude() < 1e-6:
            break
    return types.SimpleNamespace(transformation=matrix)


def module():
    open3d = types.ModuleType("open3d")
    open3d.utility = types.SimpleNamespace(Vector3dVector=np.asarray)
    open3d.geometry = types.SimpleNamespace(PointCloud=lambda points: types.SimpleNamespace(points=points))
    open3d.pipelines = types.SimpleNamespace(
        registration=types.SimpleNamespace(
            TransformationEstimationPointToPoint=lambda: None,
            ICPConvergenceCriteria=lambda max_iteration: types.SimpleNamespace(max_iteration=max_iteration),
            registration_icp=_registration_icp,
        )
    )
    return open3d
