"""Writes and reads trained networks: weights with settings and figures, written completely or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from equivariance_zoo.training import checkpoint
from se3unet.training.networks import build
from se3unet.training.settings import Settings

FORMAT = "se3unet-1"


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network.

    Attributes:
        model: The network, in evaluation mode.
        settings: Settings of its training.
        metrics: Figures of its training, by name.
    """

    model: nn.Module
    settings: Settings
    metrics: Mapping[str, float]


def save_checkpoint(path: str | Path, model: nn.Module, settings: Settings, metrics: Mapping[str, float]) -> None:
    """Writes weights, settings and figures to a .safetensors file. An existing file is replaced in one step.

    Raises:
        ImportError: If safetensors is not installed.
        OSError: If the file cannot be written.
    """
    checkpoint.write(path, model, {"format": FORMAT, "settings": json.dumps(settings.to_dict())}, metrics)


def load_checkpoint(path: str | Path) -> Trained:
    """Reads a file of `save_checkpoint`, onto the CPU.

    Raises:
        ValueError: If the file does not exist, is no checkpoint of `se3unet`, or is damaged.
        ImportError: If safetensors is not installed, or DGL for a published network.
    """
    with checkpoint.reading(path, "se3unet") as (about, state):
        if about.get("format") != FORMAT:
            raise ValueError(f"its format is {about.get('format')!r} and not {FORMAT!r}")
        settings = Settings.from_dict(json.loads(about["settings"]))
        model = build(settings)
        model.load_state_dict(state)
        return Trained(model.eval(), settings, checkpoint.metrics_of(about))
