"""Files of trained networks: weights with settings and figures, written completely or not at all."""

from __future__ import annotations

from equivariance_zoo.training.trained import Checkpoints, Trained
from se3unet.training.networks import build
from se3unet.training.settings import Settings

__all__ = ["CHECKPOINTS", "Trained", "load_checkpoint", "save_checkpoint"]

CHECKPOINTS = Checkpoints("se3unet", Settings.from_dict, build, tag="se3unet-1")
"""The files of this package; see `equivariance_zoo.training.trained`."""

save_checkpoint = CHECKPOINTS.save
load_checkpoint = CHECKPOINTS.load
