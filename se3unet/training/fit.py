"""Runs a training from faces to a checkpoint, on Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from equivariance_zoo.faces import FaceSet, split_by_subject
from equivariance_zoo.training.extras import import_extra
from equivariance_zoo.training.files import make_folder
from equivariance_zoo.training.trainer import (
    hide_known_warnings,
    interruptible,
    resuming,
    state_keeper,
    state_to_resume,
    trainer_defaults,
)
from se3unet.training.checkpoint import load_checkpoint
from se3unet.training.networks import build
from se3unet.training.settings import Settings

BEST, STATE = "landmarks.safetensors", "state.ckpt"


@dataclass(frozen=True)
class Options:
    """Options of a training that do not change its result.

    Attributes:
        resume: If True, the training in the output folder is resumed.
        quiet: If True, no progress bar is shown.
        devices: Number of processes, each on its own GPU; without a GPU, on the CPU.
        nodes: Number of machines.
        watch: Epochs between two examinations by the harness; 0 for none.
        stop_on_breach: If True, the training ends if the harness finds a violation.
    """

    resume: bool = False
    quiet: bool = False
    devices: int = 1
    nodes: int = 1
    watch: int = 0
    stop_on_breach: bool = False


def train(
    faces: FaceSet, settings: Settings, output: Path, options: Options | None = None, weights: Path | None = None
) -> dict[str, float]:
    """Trains a network, and keeps the weights of the least validation error as `landmarks.safetensors` in `output`.

    It also writes `state.ckpt` after every epoch, from which `resume` continues with the same result, and the logs of
    Lightning, as CSV and for TensorBoard.

    Args:
        faces: Faces to train on; some of their subjects are held out for validation.
        settings: Settings of the network, the loss and the training.
        output: A folder, which is created.
        options: Options that do not change the result.
        weights: A checkpoint to start from, in place of random weights.

    Returns:
        The figures of the last validation and the loss of the last epoch.

    Raises:
        ImportError: If lightning is not installed, or tensorboard.
        ValueError: If there is no training to resume; the folder holds another training; the faces are too few, or
            cannot be used; the weights are of another network; a number is not finite.
        KeyboardInterrupt: If stopped by Ctrl-C; the written state can be resumed.
    """
    lightning = import_extra("lightning", "training", "train")
    import_extra("tensorboard", "training", "train")
    from se3unet.training.loaders import FaceBatches
    from se3unet.training.module import Heatmaps

    options = options or Options()
    model = build(settings) if weights is None else _load_start(weights, settings)
    learned, held_out = split_by_subject(faces, 1 - settings.training.validation, settings.training.seed)
    if len(learned) < settings.training.batch * options.devices * options.nodes:
        raise ValueError(f"batch: expected at most the {len(learned)} faces of the training, got "
                         f"{settings.training.batch} on each of {options.devices * options.nodes} devices")  # fmt: skip
    state = state_to_resume(output, STATE, options.resume, f"start from its weights, --weights {output / BEST}")
    if state is not None:
        from equivariance_zoo.training.state_files import require_weights

        require_weights(state, model)
    make_folder(output)
    with hide_known_warnings(options.quiet), interruptible():
        lightning.seed_everything(settings.training.seed, workers=True, verbose=False)
        trainer = _trainer(lightning, settings, output, options, model, held_out)
        batches = FaceBatches(learned, held_out, model, settings)
        with resuming(trainer, state):
            trainer.fit(Heatmaps(model, settings), batches, ckpt_path=state)
    unwanted = ("step", "equivariance")
    return {
        name: float(v) for name, v in trainer.callback_metrics.items() if not any(word in name for word in unwanted)
    }


def _load_start(weights: Path, settings: Settings) -> nn.Module:
    found = load_checkpoint(weights)
    if (found.settings.network, found.settings.unet) != (settings.network, settings.unet):
        raise ValueError(f"weights: expected those of the network of the settings, got {weights} of another one")
    return found.model.train()


def _trainer(
    lightning: Any, settings: Settings, output: Path, options: Options, model: nn.Module, held_out: FaceSet
) -> Any:
    training, loggers = settings.training, lightning.pytorch.loggers
    return lightning.Trainer(
        **trainer_defaults(output, options.quiet),
        max_epochs=training.epochs,
        accumulate_grad_batches=training.accumulate,
        gradient_clip_val=training.clip,
        precision=training.precision,
        devices=options.devices,
        num_nodes=options.nodes,
        strategy="ddp" if options.devices * options.nodes > 1 else "auto",
        use_distributed_sampler=False,
        callbacks=_callbacks(lightning, settings, output, options, model, held_out),
        # A version of the logs for each start, because a CSV file would be overwritten. A kill loses no step.
        logger=[
            loggers.CSVLogger(output / "logs", name="csv", flush_logs_every_n_steps=1),
            loggers.TensorBoardLogger(output / "logs", name="tensorboard"),
        ],
        num_sanity_val_steps=0,
    )


def _callbacks(
    lightning: Any, settings: Settings, output: Path, options: Options, model: nn.Module, held_out: FaceSet
) -> list[Any]:
    from se3unet.contracts import training_monitor
    from se3unet.training.callbacks import KeepBest

    found: list[Any] = [KeepBest(output / BEST, settings)]
    if settings.training.average:
        found.append(lightning.pytorch.callbacks.EMAWeightAveraging(decay=settings.training.average))
    if options.watch:
        found.append(training_monitor(model, held_out.positions[:1], options.watch, options.stop_on_breach))
    found.append(state_keeper(lightning, output, STATE))
    return found
