"""Moves faces as the SE(3)-Unet report does for its evaluation (section 4, Pre-processing; Table 1).

The command `evaluate` calls it before `landmarks.evaluation`. It measures nothing.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.faceset import FaceSet
from equivariance_zoo.faces.geometry.mesh import LANDMARKS
from equivariance_zoo.faces.geometry.motion import RigidMotion, random_motion
from equivariance_zoo.faces.geometry.registration import align, align_landmarks
from equivariance_zoo.faces.shipped import sample

CONDITIONS = ("none", "ICP_r", "ICP_t", "ICP_rt", "ST_r", "ST_t", "ST_rt")
"""The columns of Table 1: a random rotation (r), translation (t) or both, with (ICP) or without (ST) re-alignment."""

LEAKING = ("ICP_r_landmarks", "ICP_t_landmarks", "ICP_rt_landmarks")
"""The original's re-alignment by the true landmarks. It leaks the prediction target into the input."""

MAX_TRANSLATION = 10.0


def under_condition(faces: FaceSet, condition: str, seed: int, template: Tensor | None = None) -> FaceSet:
    """Moves faces under a condition of the report; positions, landmarks and surface move together.

    Each face has its own motion, which depends on the seed and the number of the face only. "r" is a Haar-uniform
    rotation about the origin, "t" a translation uniform within +-10 units along each axis, "rt" both. "ST" applies the
    motion only. "ICP" then aligns the positions with the template, without reading a landmark. The means are aligned,
    a grid of rotations is searched, and Open3D's ICP refines (`equivariance_zoo.faces.geometry.registration.align`).

    "ICP_r_landmarks", "ICP_t_landmarks" and "ICP_rt_landmarks" align the true landmarks with the template's in place of
    the surface, as the original does. This variant leaks the target into the input and serves comparisons only. Its
    figures do not describe a system whose input is a scan alone.

    Args:
        faces: Faces in their unit frames.
        condition: One of `CONDITIONS` or `LEAKING`.
        seed: Seed of the motions, which are the same for "ST" and "ICP".
        template: Target of the alignment, [n, 3] in units: a face's cloud, or its landmarks [68, 3] for `LEAKING`. By
            default, the first built-in face.

    Raises:
        FaceError: If the condition is unknown, the seed is negative, or the template has another shape.
        ImportError: If the condition is "ICP" and Open3D is not installed.
    """
    if condition not in (*CONDITIONS, *LEAKING):
        raise FaceError(f"condition={condition!r}: expected one of {', '.join((*CONDITIONS, *LEAKING))}")
    if seed < 0:
        raise FaceError(f"seed={seed}: expected at least 0")
    if condition == "none":
        return faces
    kind, moved_by, *leaking = condition.split("_")
    target = _template(template, landmarks=bool(leaking)) if kind == "ICP" else None
    parts = (faces.landmarks, faces.positions, faces.surface)
    sizes = [part.shape[1] for part in parts]
    results = []
    for number, face in enumerate(torch.cat(parts, dim=1).to(torch.float64)):
        moved = _motion(moved_by, np.random.default_rng([seed, number])).apply(face)
        if target is not None:
            seen = moved[:LANDMARKS] if leaking else moved[LANDMARKS : sum(sizes[:2])]
            moved = (align_landmarks if leaking else align)(seen.cpu().numpy(), target).apply(moved)
        results.append(moved.to(torch.float32))
    landmarks, positions, surface = (part.contiguous() for part in torch.stack(results).split(sizes, dim=1))
    return replace(faces, landmarks=landmarks, positions=positions, surface=surface)


def _motion(moved_by: str, rng: np.random.Generator) -> RigidMotion:
    motion = random_motion(rng, MAX_TRANSLATION)
    if "r" not in moved_by:
        return replace(motion, rotation=Rotation.identity())
    return motion if "t" in moved_by else replace(motion, translation=np.zeros(3))


def _template(template: Tensor | None, landmarks: bool) -> npt.NDArray[np.float64]:
    if template is None:
        first = sample(1)
        template = (first.landmarks if landmarks else first.positions)[0]
    shape = f"[{LANDMARKS}, 3]" if landmarks else "[n, 3]"
    fits = template.ndim == 2 and template.shape[1] == 3 and len(template) > 0
    if not fits or (landmarks and len(template) != LANDMARKS) or not template.isfinite().all():
        raise FaceError(f"template: expected finite points {shape} but got shape {list(template.shape)}")
    return template.to(torch.float64).cpu().numpy()
