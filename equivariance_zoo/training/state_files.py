"""Reads and writes Lightning's state of a training. Importing this module imports Lightning.

`trainer` calls it. A state is tensors and plain values: no code of a file is run, and nothing else is read.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn

from equivariance_zoo.training.files import replacing

_EPOCHS = "training.epochs"
_LONGEST = 120

_KEYS: dict[str, type] = {
    "state_dict": dict,
    "optimizer_states": list,
    "lr_schedulers": list,
    "loops": dict,
    "callbacks": dict,
}
_KEYS |= {"epoch": int, "global_step": int, "pytorch-lightning_version": str}
"""Entries of a state that Lightning writes, with their types."""


class WholeFiles(TorchCheckpointIO):
    """Replaces the state in one step. If the process is killed, the old file or the new one remains."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Writes the state."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            torch.save(checkpoint, file)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Reads the state without running code of the file, whatever the caller asks for."""
        return read_state(Path(path), map_location)


def read_state(path: Path, map_location: Any = None) -> dict[str, Any]:
    """Returns the state in a file. Objects of all other classes than tensors and plain values are refused.

    Args:
        path: The file.
        map_location: Device of the tensors, as for `torch.load`; None for the CPU.

    Raises:
        ValueError: If the file is no state of a training; the message names the argument `resume` and the file.
    """
    try:
        # Damaged files make the unpickler raise errors of any class.
        with warnings.catch_warnings(action="ignore"):  # of other protocols of pickle
            state = torch.load(path, map_location=map_location or "cpu", weights_only=True)
    except Exception as error:
        raise refused_state(path, first_sentence(error)) from error
    if not isinstance(state, dict):
        raise refused_state(path, f"it holds {type(state).__name__}")
    wrong = [name for name, kind in _KEYS.items() if not isinstance(state.get(name), kind)]
    if wrong:
        raise refused_state(path, f"{', '.join(wrong)} missing or of another type")
    return state


def require_weights(path: Path, model: nn.Module) -> None:
    """Rejects a state of another network, before a training begins to write.

    Args:
        path: The state.
        model: The network, which is the attribute `model` of the LightningModule.

    Raises:
        ValueError: If names or shapes of the weights differ; the message names the argument `resume` and the file.
    """
    stored = {name: tuple(getattr(value, "shape", ())) for name, value in read_state(path)["state_dict"].items()}
    wanted = {f"model.{name}": tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    other = sorted(name for name in {*stored, *wanted} if stored.get(name) != wanted.get(name))
    if other:
        raise refused_state(path, f"its weights are of another network: {', '.join(other[:3])}")


def refused_state(path: Path, reason: str) -> ValueError:
    """Returns the error about a file that a training cannot be resumed from."""
    return ValueError(f"resume: expected a state that a training of this version wrote, got {path} ({reason})")


def first_sentence(error: BaseException) -> str:
    """Returns the type of an error and the beginning of its message: PyTorch explains at length how to trust a file."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0].partition('. ')[0][:200]}"


class Begin(lightning.Callback):
    """Notes when the first step begins: the state has then been restored.

    Attributes:
        done: True if the training has begun.
    """

    def __init__(self) -> None:
        """Begins without a step."""
        self.done = False

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Notes it."""
        self.done = True


class StoredSettings(lightning.Callback):
    """Stores the settings of a training in its state.

    Attributes:
        settings: The settings, as tables of plain values.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Takes the settings; the number of epochs may differ in a resumed training."""
        self.settings = json.loads(json.dumps(settings))

    def state_dict(self) -> dict[str, Any]:
        """Returns the settings, for the state."""
        return {"settings": self.settings}

    def compare(self, state: Mapping[str, Any]) -> None:
        """Compares the settings in a state with the present ones. A state without settings passes.

        Raises:
            ValueError: If another setting than the number of epochs differs; the message names the settings.
        """
        stored = state["callbacks"].get(self.state_key)
        if stored is None:
            return
        if not isinstance(stored, Mapping) or not isinstance(stored.get("settings"), Mapping):
            raise ValueError(f"resume: expected the settings of the earlier run, got {str(stored)[:_LONGEST]}")
        earlier, now = _flat(stored["settings"]), _flat(self.settings)
        other = sorted(key for key in {*earlier, *now} - {_EPOCHS} if earlier.get(key) != now.get(key))
        if other:
            told = ", ".join(f"{key} {earlier.get(key)!r} and now {now.get(key)!r}" for key in other)
            raise ValueError(f"resume: expected the settings of the earlier run (epochs may differ), got {told}")


def _flat(settings: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Returns settings by dotted name, without tables."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= _flat(value, f"{path}{key}.") if isinstance(value, Mapping) else {path + key: value}
    return found
