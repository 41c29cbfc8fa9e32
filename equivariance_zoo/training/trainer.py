"""Runs a training with Lightning: defaults, seeds, resumed states, Ctrl-C and hidden warnings.

The `train` function of a network calls `state_to_resume` first, then `fit`. Lightning is imported when it is needed.
"""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from equivariance_zoo.training.extras import import_extra

# Lightning's warnings for every training or every resumed one. Samples are in memory, so that no worker is needed, and
# files of the training are in its folder.
_KNOWN = (".*does not have many workers", ".*exists and is not empty", r".*isinstance\(treespec, LeafSpec\)")


def fit(
    module: Any,
    batches: Any,
    output: Path,
    name: str,
    state: Path | None,
    settings: Any,
    quiet: bool,
    callbacks: Sequence[Any] = (),
    **options: Any,
) -> dict[str, float]:
    """Trains a network, and writes Lightning's state after every epoch.

    The generators are seeded before the first step. A training that is resumed with other settings is refused, but for
    the number of epochs.

    Args:
        module: The network as a LightningModule, whose attribute `model` holds the weights.
        batches: A DataLoader or a LightningDataModule, whose order depends on seed and epoch only.
        output: Folder of the training; it exists.
        name: File name of the state.
        state: The state to resume from; None for a new training. See `state_to_resume`.
        settings: Dataclass of the settings, with a table `training` that has `seed` and `epochs`.
        quiet: If True, no progress bar is shown.
        callbacks: Callbacks of the network.
        options: Other arguments of `lightning.Trainer`.

    Returns:
        The logged figures, by name.

    Raises:
        ImportError: If lightning is not installed.
        ValueError: If the state cannot be resumed, or is one of other settings.
        KeyboardInterrupt: If stopped by Ctrl-C; the written state can be resumed.
    """
    lightning = import_extra("lightning", "training", "train")
    from equivariance_zoo.training.state_files import StoredSettings, read_state, require_weights

    training, stored = settings.training, StoredSettings(asdict(settings))
    if state is not None:
        stored.compare(read_state(state))
        require_weights(state, module.model)
    with hide_known_warnings(quiet), interruptible():
        lightning.seed_everything(training.seed, workers=True, verbose=False)
        trainer = lightning.Trainer(
            **trainer_defaults(output, quiet),
            max_epochs=training.epochs,
            callbacks=[*callbacks, stored, state_keeper(lightning, output, name)],
            **options,
        )
        with resuming(trainer, state):
            trainer.fit(module, batches, ckpt_path=state)
    return {key: float(value) for key, value in trainer.callback_metrics.items()}


def trainer_defaults(output: Path, quiet: bool) -> dict[str, Any]:
    """Returns the arguments of `lightning.Trainer` that are the same for all networks.

    Args:
        output: Folder of the training.
        quiet: If True, no progress bar is shown.
    """
    from equivariance_zoo.training.state_files import WholeFiles

    return {
        "default_root_dir": output,
        "enable_model_summary": False,
        "enable_progress_bar": not quiet,
        "log_every_n_steps": 1,
        "plugins": [WholeFiles()],
    }


def state_keeper(lightning: Any, output: Path, name: str) -> Any:
    """Returns the callback that writes Lightning's state to `output / name` after every epoch."""
    return lightning.pytorch.callbacks.ModelCheckpoint(
        dirpath=output,
        filename=Path(name).stem,
        save_top_k=1,
        monitor=None,
        every_n_epochs=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )


def state_to_resume(output: Path, name: str, resume: bool, instead: str) -> Path | None:
    """Returns the state from which a training resumes, or None for a new training.

    Args:
        output: Folder of the training.
        name: File name of the state in the folder.
        resume: If True, the training resumes.
        instead: Advice for a user with a state of an earlier version, for the message.

    Raises:
        ValueError: If there is no training to resume, a training would be overwritten, or this version cannot read the
            state.
    """
    state = output / name
    if resume and not state.is_file():
        raise ValueError(f"resume: expected {name} of an earlier training in the output folder, got {output}")
    if not resume and state.is_file():
        raise ValueError(f"output: expected a folder without {name} of a training, or --resume, got {output}")
    if not resume:
        return None
    _check_state(state, instead)
    return state


@contextmanager
def resuming(trainer: Any, state: Path | None) -> Iterator[None]:
    """Raises errors of the block as errors of the state, until the first step: Lightning then restores the state.

    Args:
        trainer: A `lightning.Trainer`, to which a callback is added.
        state: The state to resume from; None for a new training.

    Raises:
        ValueError: If the state cannot be restored; the message names the argument `resume` and the file.
    """
    from equivariance_zoo.training.state_files import Begin, first_sentence, refused_state

    begin = Begin()
    trainer.callbacks.append(begin)
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError, RuntimeError, AssertionError) as error:
        if state is None or begin.done:
            raise
        raise refused_state(state, first_sentence(error)) from error


def _check_state(state: Path, instead: str) -> None:
    """Rejects a file that is no state, and a state with objects: an earlier version wrote some, another program may."""
    from equivariance_zoo.training.state_files import first_sentence, read_state, refused_state

    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(state)
    except Exception as error:  # a damaged file makes the unpickler raise errors of any class
        raise refused_state(state, first_sentence(error)) from error
    if names:
        raise ValueError(
            f"resume: expected a state of this version, with tensors and plain values only, got {state}, "
            f"which has {', '.join(sorted(names))}: {instead}"
        )
    read_state(state)


@contextmanager
def interruptible() -> Iterator[None]:
    """Keeps Ctrl-C a KeyboardInterrupt. Lightning would turn it into an exit and ignore further ones."""
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


@contextmanager
def hide_known_warnings(quiet: bool) -> Iterator[None]:
    """Hides the warnings that Lightning gives for every training, and its log if `quiet`. Shows all others."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        with warnings.catch_warnings():
            for message in _KNOWN:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        logger.setLevel(level)
