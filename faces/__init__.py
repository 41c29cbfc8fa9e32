"""Where faces come from: a morphable model, surface sampling, landmarks, heatmaps, rigid motions, built-in samples."""

from faces.errors import FaceError
from faces.heatmaps import SIGMA, heatmaps
from faces.ict import IctModel, load_ict
from faces.mesh import Mesh
from faces.motion import RigidMotion, random_motion
from faces.sampling import Frame, farthest_points, sample_surface, unit_frame
from faces.shipped import FaceSample, sample

__all__ = [
    "SIGMA",
    "FaceError",
    "FaceSample",
    "Frame",
    "IctModel",
    "Mesh",
    "RigidMotion",
    "farthest_points",
    "heatmaps",
    "load_ict",
    "random_motion",
    "sample",
    "sample_surface",
    "unit_frame",
]
