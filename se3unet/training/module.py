"""Wraps the network for Lightning: training steps, validation figures, optimizer."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor, nn

from equivariance_zoo.landmarks.losses import heatmap_loss
from equivariance_zoo.landmarks.metrics import iou, landmark_error_mm, soft_landmarks
from se3unet.training.data import Batch
from se3unet.training.finite import NotFiniteError, explain_gradients, explain_heatmaps, is_finite
from se3unet.training.settings import Settings


class Heatmaps(lightning.LightningModule):
    """Training steps, validation figures, and the optimizer."""

    def __init__(self, model: nn.Module, settings: Settings) -> None:
        """Wraps a network.

        Args:
            model: The network to train.
            settings: Settings of the loss and of the training.
        """
        super().__init__()
        self.model, self.settings = model, settings
        self.loss = heatmap_loss(settings.loss)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Returns the loss of a batch."""
        heatmaps = self.model(batch.inputs).float()
        if not is_finite([heatmaps]):
            self._stop("heatmaps", explain_heatmaps(self.model, batch.inputs))
        loss: Tensor = self.loss(heatmaps, batch.targets)
        self.log("loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=len(batch), sync_dist=True)
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Rejects gradients that are not finite."""
        if not is_finite(weight.grad for weight in self.model.parameters() if weight.grad is not None):
            self._stop("gradient", explain_gradients(self.model))

    def validation_step(self, batch: Batch, index: int) -> None:
        """Logs figures of the held-out faces."""
        heatmaps = self.model(batch.inputs).float()
        landmarks = soft_landmarks(heatmaps, batch.positions)
        figures = {
            "val_loss": self.loss(heatmaps, batch.targets),
            "val_iou": iou(heatmaps, batch.targets).nanmean(),
            "val_error_mm": landmark_error_mm(landmarks, batch.landmarks, batch.unit_mm).mean().float(),
        }
        self.log_dict(figures, prog_bar=True, batch_size=len(batch), sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Returns Adam with decoupled decay, and cosines with warm restarts, scheduled per step of Adam."""
        settings = self.settings.training
        optimizer = torch.optim.AdamW(self.model.parameters(), settings.rate, weight_decay=settings.decay)
        steps = int(self.trainer.estimated_stepping_batches) // settings.epochs
        schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
            optimizer, settings.cycle * steps, settings.growth
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _stop(self, what: str, why: str) -> None:
        where = f"in epoch {self.current_epoch}, step {self.global_step}"
        raise NotFiniteError(f"{what}: expected finite numbers, got others {where}: {why}")
