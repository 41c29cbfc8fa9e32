"""Aligns a face rigidly with a template: by shape with Open3D's ICP, or by landmarks in closed form."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces.geometry.motion import RigidMotion, rotation_onto
from equivariance_zoo.training.extras import import_extra

START_POINTS = 96
CANDIDATES = 4
REACHES = (0.6, 0.3)
"""Largest distance of corresponding points in ICP, in units: first for the candidates, then for the best of them.

It is large, because faces differ from the template. With a reach of 0.1, or with point-to-plane ICP, a face of unusual
shape was misaligned by 30 degrees.
"""

_DIRECTIONS = 96
_TURNS = 12
_STEPS = 100


def align(cloud: npt.NDArray[np.float64], template: npt.NDArray[np.float64]) -> RigidMotion:
    """Finds the motion that aligns a cloud with a template, from their shapes alone.

    The cloud's mean is moved to the template's. A fixed grid holds 1,152 rotations, about 20 degrees apart. The
    rotations that bring the points nearest to the template start Open3D's point-to-point ICP. The result nearest to
    the template is refined with a shorter reach. Nearness is the mean distance, each clipped at the last reach. The
    algorithm is deterministic.

    Args:
        cloud: [n, 3] float64, in the unit of the template.
        template: [m, 3] float64.

    Raises:
        ImportError: If Open3D is not installed.
    """
    open3d = import_extra("open3d", "alignment without landmarks", "open3d")
    registration = open3d.pipelines.registration
    source, target = (open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points)) for points in (cloud, template))
    tree = KDTree(template)

    def refine(start: npt.NDArray[np.float64], reach: float) -> npt.NDArray[np.float64]:
        estimation = registration.TransformationEstimationPointToPoint()
        criteria = registration.ICPConvergenceCriteria(max_iteration=_STEPS)
        result = registration.registration_icp(source, target, reach, start, estimation, criteria)
        return np.asarray(result.transformation, dtype=np.float64)

    def apart(matrix: npt.NDArray[np.float64]) -> float:
        moved = cloud @ matrix[:3, :3].T + matrix[:3, 3]
        return float(_distance(moved, tree) + _distance(template, KDTree(moved)))

    best = min((refine(start, REACHES[0]) for start in _starts(cloud, template, tree)), key=apart)
    matrix = refine(best, REACHES[1])
    return RigidMotion(rotation=Rotation.from_matrix(matrix[:3, :3]), translation=matrix[:3, 3].copy())


def align_landmarks(landmarks: npt.NDArray[np.float64], template: npt.NDArray[np.float64]) -> RigidMotion:
    """Finds the motion that aligns landmarks with a template's, with the least sum of squares (Kabsch).

    Args:
        landmarks: [n, 3] float64.
        template: [n, 3] float64, the same points in the same order.

    Raises:
        FaceError: If the points or the template's coincide or lie on one line, so that no rotation is determined.
    """
    centre, target = landmarks.mean(axis=0), template.mean(axis=0)
    rotation = rotation_onto(template, landmarks)
    return RigidMotion(rotation=rotation, translation=target - rotation.apply(centre))


def _starts(
    cloud: npt.NDArray[np.float64], template: npt.NDArray[np.float64], tree: KDTree
) -> list[npt.NDArray[np.float64]]:
    centre, target = cloud.mean(axis=0), template.mean(axis=0)
    some = cloud[np.linspace(0, len(cloud) - 1, min(START_POINTS, len(cloud))).astype(np.int64)] - centre
    grid = _rotation_grid()
    scores = _distance(np.einsum("rij,nj->rni", grid, some) + target, tree)
    starts = []
    for matrix in grid[np.argsort(scores, kind="stable")[:CANDIDATES]]:
        start = np.eye(4)
        start[:3, :3], start[:3, 3] = matrix, target - matrix @ centre
        starts.append(start)
    return starts


def _distance(points: npt.NDArray[np.float64], tree: KDTree) -> npt.NDArray[np.float64]:
    distances, _ = tree.query(points, distance_upper_bound=REACHES[-1])
    mean: npt.NDArray[np.float64] = np.minimum(distances, REACHES[-1]).mean(axis=-1)
    return mean


def _rotation_grid() -> npt.NDArray[np.float64]:
    """Returns rotations that take +z to directions of a Fibonacci lattice, each with turns about the direction."""
    numbers = np.arange(_DIRECTIONS) + 0.5
    azimuths = np.pi * (1 + np.sqrt(5)) * numbers
    polars = np.arccos(1 - 2 * numbers / _DIRECTIONS)
    turns = 2 * np.pi * np.arange(_TURNS) / _TURNS
    angles = np.stack(np.broadcast_arrays(azimuths[:, None], polars[:, None], turns[None]), axis=-1)
    return Rotation.from_euler("ZYZ", angles.reshape(-1, 3)).as_matrix()
