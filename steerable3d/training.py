"""Training on Lightning, and evaluation."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from steerable3d.checkpoint import build, save
from steerable3d.datasets import dataset, order
from steerable3d.extras import needed
from steerable3d.settings import Run

WEIGHTS = "model.safetensors"


def train(run: Run, output: Path, resume: bool = False, quiet: bool = False) -> dict[str, float]:
    """Train, evaluate on the test split, and write ``model.safetensors`` to ``output``.

    Lightning writes its own state there after every epoch; ``resume`` goes on from it.

    Returns:
        the loss of the last epoch, and the accuracy on the validation and test splits.

    Raises:
        ImportError: lightning is not installed.
        ValueError: there is nothing to resume, or the data cannot be read.
    """
    lightning = needed("lightning", "training", "train")
    last = output / "last.ckpt"
    if resume and not last.is_file():
        raise ValueError(f"resume: expected last.ckpt of an earlier run in the output folder, got {output}")
    lightning.seed_everything(run.training.seed, workers=True, verbose=False)
    module = _module(lightning, run)
    keeper = lightning.pytorch.callbacks.ModelCheckpoint(dirpath=output, save_last=True, save_top_k=0)
    logger = lightning.pytorch.loggers.CSVLogger(output, name="", version="")
    trainer = lightning.Trainer(
        max_epochs=run.training.epochs, callbacks=[keeper], logger=logger, log_every_n_steps=1, default_root_dir=output,
        enable_progress_bar=not quiet, enable_model_summary=False, deterministic=True,
    )  # fmt: skip
    samples = dataset(run.data, "train")
    batches = DataLoader(samples, run.training.batch, sampler=order(run.data, len(samples), run.training.seed))
    trainer.fit(module, batches, ckpt_path=str(last) if resume else None)
    loss = float(trainer.callback_metrics["loss"])
    metrics = {"loss": loss, **{f"{s} accuracy": accuracy(module.model, dataset(run.data, s)) for s in ("val", "test")}}
    save(output / WEIGHTS, module.model, run, metrics)
    return metrics


def accuracy(model: nn.Module, samples: Dataset[Any], batch: int = 16) -> float:
    """The share of samples that are classified right, in evaluation mode, on the device of the network."""
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
    """The network as Lightning wants it."""

    class Classification(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = build(run)

        def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
            loss = functional.cross_entropy(self.model(batch[0]), batch[1])
            if not bool(torch.isfinite(loss)):
                raise ValueError(f"loss: expected a finite number, got {float(loss)} in epoch {self.current_epoch}")
            self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch[1]))
            return loss

        def configure_optimizers(self) -> dict[str, Any]:
            settings, steps = run.training, self.trainer.estimated_stepping_batches
            optimizer = torch.optim.AdamW(self.parameters(), settings.rate, weight_decay=settings.decay)
            # A function, not a schedule with a state: more epochs on resuming stretch the cosine.
            falling = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2
            )
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": falling, "interval": "step"}}

    return Classification()
