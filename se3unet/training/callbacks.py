"""Callbacks of a training: they keep its best weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning

from se3unet.training.checkpoint import save_checkpoint
from se3unet.training.settings import Settings

WATCHED = "val_error_mm"


class KeepBest(lightning.Callback):
    """Writes the weights whenever their landmark error is the least so far.

    It stands before the callback that averages weights: at the end of a validation those are still in the network.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        """Say where to, and what the file shall say of the training."""
        self.path, self.settings = path, settings
        self.least = float("inf")

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Compare and write."""
        if trainer.sanity_checking or float(trainer.callback_metrics[WATCHED]) >= self.least:
            return
        self.least = float(trainer.callback_metrics[WATCHED])
        if trainer.is_global_zero:
            figures = {name: float(trainer.callback_metrics[name]) for name in (WATCHED, "val_iou", "val_loss")}
            figures |= {"epoch": trainer.current_epoch + 1.0, "steps": float(trainer.global_step)}
            save_checkpoint(self.path, pl_module.model, self.settings, figures)

    def state_dict(self) -> dict[str, Any]:
        """The least error, for a training that goes on."""
        return {"least": self.least}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore it."""
        self.least = state_dict["least"]
