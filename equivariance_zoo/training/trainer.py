"""Configures Lightning for every training: defaults, resumed states, Ctrl-C and hidden warnings.

The `train` function of a network calls it. Lightning is passed in, or imported when it is needed.
`se3unet` hides Lightning's warnings by `hide_known_warnings`, `steerable3d` by `hide_warnings`.
"""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

# Lightning's warnings for every training or every resumed one. Samples are in memory, so that no worker is needed, and
# files of the training are in its folder.
_KNOWN = (".*does not have many workers", ".*exists and is not empty", r".*isinstance\(treespec, LeafSpec\)")


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
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING if quiet else logging.INFO)
    with warnings.catch_warnings():
        for message in _KNOWN:
            warnings.filterwarnings("ignore", message)
        yield


@contextmanager
def hide_warnings() -> Iterator[None]:
    """Hides Lightning's advertisements, its warnings on small trainings and its use of deprecated PyTorch."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")
            yield
    finally:
        logger.setLevel(level)
