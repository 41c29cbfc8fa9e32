"""Training: settings, losses, checkpoints; `se3unet.training.fit.train` does it."""

from se3unet.training.checkpoint import Trained, load_checkpoint, save_checkpoint
from se3unet.training.networks import Network
from se3unet.training.settings import LossSettings, Settings, TrainingSettings

__all__ = [
    "LossSettings",
    "Network",
    "Settings",
    "Trained",
    "TrainingSettings",
    "load_checkpoint",
    "save_checkpoint",
]
