"""Where faces come from: morphable models and files, surface sampling, landmarks, heatmaps, rigid motions, samples."""

from faces.conditions import CONDITIONS, under_condition
from faces.errors import FaceError
from faces.face import Face, Source
from faces.faceset import FaceSet, split_by_subject
from faces.heatmaps import SIGMA, heatmaps
from faces.ict import IctModel, load_ict
from faces.mesh import Mesh
from faces.motion import RigidMotion, random_motion
from faces.preparation import prepare
from faces.sampling import Frame, farthest_points, sample_surface, unit_frame
from faces.shipped import FaceSample, sample

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
