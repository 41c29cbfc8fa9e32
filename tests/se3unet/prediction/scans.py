"""A face as a scan, and what a perfect network says of it."""

import numpy as np
import torch

from equivariance_zoo import faces
from se3unet.prediction import Prediction
from se3unet.prediction.units import NOMINAL_UNIT_MM

SAMPLE = faces.sample(1, torch.float64)
POINTS_MM = (SAMPLE.positions[0] * SAMPLE.unit_mm[0]).numpy()
LANDMARKS_MM = (SAMPLE.landmarks[0] * SAMPLE.unit_mm[0]).numpy()


class Perfect:
    """True heatmaps of the whole face, however it is centred, scaled and ordered; its pose is told in advance."""

    def __init__(self, rotation=None):
        turned = (lambda x: x) if rotation is None else rotation.apply
        middle = POINTS_MM.mean(0)
        self.landmarks = torch.from_numpy(turned(LANDMARKS_MM - middle) / NOMINAL_UNIT_MM)
        self.size = float(np.linalg.norm(POINTS_MM - middle) / NOMINAL_UNIT_MM)
        self.shapes = []

    def __call__(self, clouds):
        self.shapes.append(tuple(clouds.shape))
        clouds = clouds.double()
        scales = torch.linalg.vector_norm(clouds, dim=(1, 2)) / self.size
        landmarks = scales[:, None, None] * self.landmarks
        return torch.cat([faces.heatmaps(c, m, faces.SIGMA * float(s)) for c, m, s in _each(clouds, landmarks, scales)])


def _each(clouds, landmarks, scales):
    return ((c[None], m[None], s) for c, m, s in zip(clouds, landmarks, scales, strict=True))


def write_cloud(path, points):
    """A cloud as a file of rows of x y z."""
    np.savetxt(path, points)
    return path


def worst_error(prediction, landmarks):
    """Largest error in the scan's unit."""
    return float((prediction.landmarks - torch.from_numpy(landmarks)).norm(dim=-1).max())


def true_prediction():
    """Returns the prediction of a perfect network for the built-in face."""
    points, landmarks = torch.from_numpy(POINTS_MM), torch.from_numpy(LANDMARKS_MM)
    return Prediction(
        landmarks=landmarks,
        certainties=torch.linspace(0.7, 1, 68, dtype=torch.float64),
        unit="mm",
        guessed=True,
        positions=points,
        heatmaps=faces.heatmaps(SAMPLE.positions, SAMPLE.landmarks)[0].float(),
        surface=points,
    )
