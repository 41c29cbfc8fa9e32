"""Trains the networks of faces.

`fit.train` runs a training, `settings` and `networks` define it, `checkpoint` stores the result.
`data`, `crops` and `loaders` prepare batches, `module`, `callbacks` and `finite` are the parts for Lightning.

Called by the command `train`; `evaluation` and `prediction` read checkpoints. It defines no layer (`layers`).
"""

from equivariance_zoo.landmarks.evaluation.measure import Network
from equivariance_zoo.landmarks.losses import LossSettings
from se3unet.training.checkpoint import Trained, load_checkpoint, save_checkpoint
from se3unet.training.settings import Settings, TrainingSettings

__all__ = [
    "LossSettings",
    "Network",
    "Settings",
    "Trained",
    "TrainingSettings",
    "load_checkpoint",
    "save_checkpoint",
]
