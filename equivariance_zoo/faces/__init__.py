"""Makes face data: morphable models and files, surface sampling, landmarks, heatmaps, rigid motions, samples.

`sources` gives faces (`face`), `preparation` makes a `FaceSet` of them, `conditions` moves them, `heatmaps` makes the
training targets, `shipped` has four built-in faces.

Called by `landmarks` and by networks that find landmarks. It imports `training`, and no network.
"""

from equivariance_zoo.faces.conditions import CONDITIONS, under_condition
from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.face import Face, Source
from equivariance_zoo.faces.faceset import FaceSet, split_by_subject
from equivariance_zoo.faces.geometry.mesh import Mesh
from equivariance_zoo.faces.geometry.motion import RigidMotion, random_motion
from equivariance_zoo.faces.geometry.sampling import Frame, farthest_points, sample_surface, unit_frame
from equivariance_zoo.faces.heatmaps import SIGMA, heatmaps
from equivariance_zoo.faces.models.ict import IctModel, load_ict
from equivariance_zoo.faces.preparation import prepare
from equivariance_zoo.faces.shipped import FaceSample, sample

__all__ = [
    "CONDITIONS",
    "SIGMA",
    "Face",
    "FaceError",
    "FaceSample",
    "FaceSet",
    "Frame",
    "IctModel",
    "Mesh",
    "RigidMotion",
    "Source",
    "farthest_points",
    "heatmaps",
    "load_ict",
    "prepare",
    "random_motion",
    "sample",
    "sample_surface",
    "split_by_subject",
    "under_condition",
    "unit_frame",
]
