"""What happens beside the steps of a training: its best weights are kept, its equivariance is watched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from equivariance import CartesianPoints, Invariant, Report, diagnose
from se3unet.contracts import unet_contracts
from se3unet.model import SE3Unet
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


class EquivarianceBreach(ValueError):
    """The network has broken its symmetry while it was trained; the message is the harness's report."""


class EquivarianceWatch(lightning.Callback):
    """Runs the harness on the network every few epochs and logs the error of each layer.

    The error is what each layer introduces by itself, as "equivariance/<layer>", the worst over rotations and
    translations; "equivariance" is that of the whole network in its own precision.
    """

    def __init__(self, positions: Tensor, every: int, stop: bool, samples: int = 1) -> None:
        """Say what to run, and when.

        Args:
            positions: [B, N, 3] clouds to examine it on; the cost grows with their size.
            every: epochs between two examinations.
            stop: end the training at a finding, instead of a warning.
            samples: rotations and translations of each examination.
        """
        self.positions, self.every, self.stop, self.samples = positions, every, stop, samples

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Examine, log, and stop if asked."""
        if (trainer.current_epoch + 1) % self.every or not trainer.is_global_zero:
            return
        report = examine(pl_module.model, self.positions.to(pl_module.device), self.samples)
        if trainer.logger is not None:
            for logger in trainer.loggers:
                logger.log_metrics(errors_by_layer(report), trainer.global_step)
        if report.ok:
            return
        if self.stop:
            raise EquivarianceBreach(f"network: expected an equivariant one in epoch {trainer.current_epoch}: {report}")
        print(f"\nequivariance is broken in epoch {trainer.current_epoch}:\n{report}", file=sys.stderr)


def examine(model: torch.nn.Module, positions: Tensor, samples: int) -> Report:
    """The harness's report on the network under rotations and translations.

    Args:
        model: the network; it is left as it is.
        positions: [B, N, 3].
        samples: rotations and translations.
    """
    contracts = unet_contracts(model) if isinstance(model, SE3Unet) else None
    law = CartesianPoints(nodes=1, batch=0), Invariant(nodes=1, batch=0)
    return diagnose(model, (positions,), law[:1], law[1], group="se3", contracts=contracts, samples=samples)


def errors_by_layer(report: Report) -> dict[str, float]:
    """The largest error that each layer introduces, under "equivariance/<layer>", and that of the whole network."""
    errors: dict[str, float] = {}
    for row in report.layers:
        name = f"equivariance/{row.layer}" if row.layer else "equivariance"
        error = row.working if row.layer else row.reached_working
        errors[name] = max(errors.get(name, 0.0), error)
    return errors
