"""Trained networks as files: weights with the settings that build the network, and figures.

A network declares one `Checkpoints` and calls its `save` and `load`. The file is that of `checkpoint`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import nn

from equivariance_zoo.training import checkpoint
from equivariance_zoo.training.files import make_folder

Settings = TypeVar("Settings")


@dataclass(frozen=True, eq=False)
class Trained(Generic[Settings]):
    """A trained network.

    Attributes:
        model: The network, in evaluation mode.
        settings: Settings of its training.
        metrics: Figures of its training, by name.
    """

    model: nn.Module
    settings: Settings
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Checkpoints(Generic[Settings]):
    """The files of one network.

    Attributes:
        writer: Name of the package, for messages.
        read: Builds the settings from plain values; raises ValueError for wrong ones.
        build: Builds the network of the settings.
        key: Key of the settings in the file.
        tag: Format of the file; None for files without one.
    """

    writer: str
    read: Callable[[Mapping[str, Any]], Settings]
    build: Callable[[Settings], nn.Module]
    key: str = "settings"
    tag: str | None = None

    def save(self, path: str | Path, model: nn.Module, settings: Settings, metrics: Mapping[str, float]) -> None:
        """Writes weights, settings and figures to a .safetensors file. An existing file is replaced in one step.

        Raises:
            ImportError: If safetensors is not installed.
            ValueError: If the folder cannot be made.
            OSError: If the file cannot be written.
        """
        make_folder(Path(path).parent)
        about = {} if self.tag is None else {"format": self.tag}
        checkpoint.write(path, model, {**about, self.key: json.dumps(asdict(settings))}, metrics)  # type: ignore[call-overload]

    def load(self, path: str | Path) -> Trained[Settings]:
        """Reads a file of `save`, onto the CPU.

        Raises:
            ValueError: If the file does not exist, is no checkpoint of this network, or is damaged.
            ImportError: If safetensors is not installed, or a package that the network needs.
        """
        with checkpoint.reading(path, self.writer) as (about, state):
            if self.tag is not None and about.get("format") != self.tag:
                raise ValueError(f"its format is {about.get('format')!r} and not {self.tag!r}")
            settings = self.read(json.loads(about[self.key]))
            model = self.build(settings)
            model.load_state_dict(state)
            return Trained(model.eval(), settings, checkpoint.metrics_of(about))
