"""Training: settings, losses, checkpoints; `se3unet.training.fit.train` does it."""

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
