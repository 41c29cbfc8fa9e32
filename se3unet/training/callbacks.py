"""Keeps the best weights of a training, as a Lightning callback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning

from se3unet.training.checkpoint import save_checkpoint
from se3unet.training.settings import Settings

WATCHED = "val_error_mm"


class KeepBest(lightning.Callback):
    """Writes the weights if their landmark error is the least so far.

    It runs before the callback that averages weights: at the end of a validation, the averaged weights are still in the
    network.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        """Sets the path of the file and the settings that it stores."""
        self.path, self.settings = path, settings
        self.least = float("inf")

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Compares the error with the least so far, and writes the weights."""
        if trainer.sanity_checking or float(trainer.callback_metrics[WATCHED]) >= self.least:
            return
        self.least = float(trainer.callback_metrics[WATCHED])
        if trainer.is_global_zero:
            figures = {name: float(trainer.callback_metrics[name]) for name in (WATCHED, "val_iou", "val_loss")}
            figures |= {"epoch": trainer.current_epoch + 1.0, "steps": float(trainer.global_step)}
            save_checkpoint(self.path, pl_module.model, self.settings, figures)

    def state_dict(self) -> dict[str, Any]:
        """Returns the least error, for a resumed training."""
        return {"least": self.least}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the least error."""
        self.least = state_dict["least"]
