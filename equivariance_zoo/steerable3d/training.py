"""Trains networks with Lightning, and evaluates them. The command line calls it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from equivariance_zoo.steerable3d.checkpoint import build, save
from equivariance_zoo.steerable3d.data_sources.datasets import SPLITS, check_fits, dataset, order
from equivariance_zoo.steerable3d.settings import Run
from equivariance_zoo.training.extras import import_extra
from equivariance_zoo.training.files import make_folder
from equivariance_zoo.training.settings import table
from equivariance_zoo.training.trainer import (
    hide_warnings,
    interruptible,
    resuming,
    state_keeper,
    state_to_resume,
    trainer_defaults,
)

WEIGHTS, STATE = "model.safetensors", "last.ckpt"


def train(run: Run, output: Path, resume: bool = False, quiet: bool = False) -> dict[str, float]:
    """Trains, evaluates on the test split, and writes `model.safetensors` to `output`.

    Lightning writes its state to `output` after every epoch. `resume` continues from the state, and the final weights
    are those of an uninterrupted training. The losses of every start are in the folder `logs`.

    Returns:
        The loss of the last epoch (if an epoch was left), and the accuracy on the validation and test splits.

    Raises:
        ImportError: If lightning is not installed.
        ValueError: If there is no training to resume, a training would be overwritten, or the data cannot be read or do
            not fit the network.
        KeyboardInterrupt: If stopped by Ctrl-C; the written state can be resumed.
    """
    lightning = import_extra("lightning", "training", "train")
    state = state_to_resume(output, STATE, resume, "train anew in another folder")
    data = {split: dataset(run.data, split) for split in SPLITS}
    samples = data["train"]
    check_fits(samples, o3.Irreps(run.network.irreps_in).dim, run.network.classes)
    if state is not None:
        _require_same_run(state, run)
    make_folder(output)
    sampler = order(run.data, len(samples), run.training.seed)
    with hide_warnings(), interruptible():
        lightning.seed_everything(run.training.seed, workers=True, verbose=False)
        module = _module(lightning, run)
        trainer = lightning.Trainer(
            **trainer_defaults(output, quiet),
            max_epochs=run.training.epochs,
            callbacks=[state_keeper(lightning, output, STATE)],
            logger=lightning.pytorch.loggers.CSVLogger(output, name="logs"),
            deterministic=True,
        )
        batches = DataLoader(samples, run.training.batch, sampler=sampler)
        with resuming(trainer, state):
            trainer.fit(module, batches, ckpt_path=state)
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    metrics |= {f"{split} accuracy": accuracy(module.model, data[split]) for split in ("val", "test")}
    save(output / WEIGHTS, module.model, run, metrics)
    return metrics


def accuracy(model: nn.Module, samples: Dataset[Any], batch: int = 16) -> float:
    """Returns the share of correctly classified samples, in evaluation mode, on the device of the network."""
    place, mode = next(model.parameters()), model.training
    right, count = 0, 0
    model.eval()
    with torch.no_grad():
        for fields, labels in DataLoader(samples, batch_size=batch):
            logits: Tensor = model(fields.to(place))
            right += int((logits.argmax(1).cpu() == labels).sum())
            count += len(labels)
    model.train(mode)
    return right / count


def _module(lightning: Any, run: Run) -> Any:
    """Wraps the network in a LightningModule."""

    class Classification(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = build(run)

        def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
            loss = functional.cross_entropy(self.model(batch[0]), batch[1])
            if not bool(torch.isfinite(loss)):
                raise ValueError(f"loss: expected a finite number, got {loss.item()} in epoch {self.current_epoch}")
            self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch[1]))
            return loss

        def configure_optimizers(self) -> dict[str, Any]:
            settings, steps = run.training, self.trainer.estimated_stepping_batches
            optimizer = torch.optim.AdamW(self.parameters(), settings.rate, weight_decay=settings.decay)
            # A function, not a schedule with a state: more epochs after a resume stretch the cosine.
            falling = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2
            )
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": falling, "interval": "step"}}

        def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
            checkpoint["run"] = run.to_dict()

    return Classification()


def _require_same_run(state: Path, run: Run) -> None:
    """Rejects a state of a training with other settings; the epochs may differ.

    Raises:
        ValueError: If the settings differ, or the state has none.
    """
    from equivariance_zoo.training.state_files import read_state, refused_state, require_weights

    try:
        earlier = Run.from_dict(table("run", read_state(state).get("run")))
    except ValueError as error:
        raise refused_state(state, str(error)) from error
    if replace(earlier, training=replace(earlier.training, epochs=run.training.epochs)) != run:
        raise ValueError(f"resume: expected the settings of the earlier run (epochs may differ), {earlier}, got {run}")
    require_weights(state, build(run))
