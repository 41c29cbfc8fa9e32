"""Training on Lightning, and evaluation."""

from __future__ import annotations

import logging
import math
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from equivariance_zoo.steerable3d.checkpoint import build, save
from equivariance_zoo.steerable3d.datasets import SPLITS, check_fits, dataset, order
from equivariance_zoo.steerable3d.extras import needed
from equivariance_zoo.steerable3d.settings import Run

WEIGHTS = "model.safetensors"


def train(run: Run, output: Path, resume: bool = False, quiet: bool = False) -> dict[str, float]:
    """Train, evaluate on the test split, and write ``model.safetensors`` to ``output``.

    Lightning writes its own state there after every epoch; ``resume`` goes on from it, to the weights that an
    uninterrupted training has. The losses of every start are below ``logs``.

    Returns:
        the loss of the last epoch (if one was left to do), and the accuracy on the validation and test splits.

    Raises:
        ImportError: lightning is not installed.
        ValueError: there is nothing to resume, or something that would be overwritten; the data cannot be read, or are
            not for this network.
        KeyboardInterrupt: stopped by Ctrl-C; what is there can be resumed.
    """
    lightning = needed("lightning", "training", "train")
    last = _state(output, resume)
    data = {split: dataset(run.data, split) for split in SPLITS}
    samples = data["train"]
    check_fits(samples, o3.Irreps(run.network.irreps_in).dim, run.network.classes)
    _make(output)
    sampler = order(run.data, len(samples), run.training.seed)
    with _hushed(), _interruptible():
        lightning.seed_everything(run.training.seed, workers=True, verbose=False)
        module = _module(lightning, run)
        # Under this name and replaced after every epoch; what Lightning calls the last one is written at the end.
        keeper = lightning.pytorch.callbacks.ModelCheckpoint(output, "last", enable_version_counter=False)
        logger = lightning.pytorch.loggers.CSVLogger(output, name="logs")
        trainer = lightning.Trainer(
            max_epochs=run.training.epochs, callbacks=[keeper], logger=logger, log_every_n_steps=1,
            default_root_dir=output, enable_progress_bar=not quiet, enable_model_summary=False, deterministic=True,
        )  # fmt: skip
        batches = DataLoader(samples, run.training.batch, sampler=sampler)
        trainer.fit(module, batches, ckpt_path=str(last) if resume else None)
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    metrics |= {f"{split} accuracy": accuracy(module.model, data[split]) for split in ("val", "test")}
    save(output / WEIGHTS, module.model, run, metrics)
    return metrics


def _state(output: Path, resume: bool) -> Path:
    """Where Lightning keeps its state: there to be resumed, or not there."""
    last = output / "last.ckpt"
    if resume and not last.is_file():
        raise ValueError(f"resume: expected last.ckpt of an earlier run in the output folder, got {output}")
    if last.is_file() and not resume:
        raise ValueError(f"output: expected a folder without last.ckpt of an earlier run (or --resume), got {output}")
    return last


def _make(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"output: expected a folder, or a place for one, got {output} ({error.strerror})") from error


@contextmanager
def _hushed() -> Iterator[None]:
    """Lightning's advertisements, remarks on small trainings and what it uses of old in PyTorch are not for users."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C stays what it is: Lightning makes an exit of it, and ignores those that follow."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stopped:
        if isinstance(stopped.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stopped
        raise
    finally:
        if signal.getsignal(signal.SIGINT) is not handler:
            signal.signal(signal.SIGINT, handler)


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
                raise ValueError(f"loss: expected a finite number, got {loss.item()} in epoch {self.current_epoch}")
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

        def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
            checkpoint["run"] = run.to_dict()

        def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
            earlier = Run.from_dict(checkpoint["run"])
            epochs = replace(earlier.training, epochs=run.training.epochs)
            if replace(earlier, training=epochs) != run:
                raise ValueError(
                    f"resume: expected the settings of the earlier run (epochs may differ), {earlier}, got {run}"
                )

    return Classification()
