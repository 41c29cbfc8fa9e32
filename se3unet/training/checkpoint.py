"""Trained networks as files: weights with their settings and figures inside, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from equivariance_zoo.faces.files import replace_file
from se3unet.extras import needed
from se3unet.training.networks import build
from se3unet.training.settings import Settings

FORMAT = "se3unet-1"


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network.

    Attributes:
        model: the network, in evaluation mode.
        settings: of its training.
        metrics: figures of it, by name.
    """

    model: nn.Module
    settings: Settings
    metrics: Mapping[str, float]


def save_checkpoint(path: str | Path, model: nn.Module, settings: Settings, metrics: Mapping[str, float]) -> None:
    """Write weights, settings and figures to a .safetensors file; a file that is there is replaced in one step.

    Raises:
        ImportError: safetensors is not installed.
        OSError: the file cannot be written.
    """
    safetensors = needed("safetensors.torch", "checkpoints", "train")
    about = {
        "format": FORMAT,
        "settings": json.dumps(settings.to_dict()),
        "metrics": json.dumps({name: float(value) for name, value in metrics.items()}),
    }
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    replace_file(path, safetensors.save(state, about))


def load_checkpoint(path: str | Path) -> Trained:
    """Read what `save_checkpoint` wrote, onto the CPU.

    Raises:
        ValueError: there is no such file, or it is no checkpoint of this package, or damaged.
        ImportError: safetensors is not installed, or DGL for a published network.
    """
    safetensors = needed("safetensors", "checkpoints", "train")
    if not Path(path).is_file():
        raise ValueError(f"checkpoint: expected a .safetensors file, got {path}")
    try:
        with safetensors.safe_open(str(path), "pt") as file:
            about: dict[str, Any] = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if about.get("format") != FORMAT:
            raise ValueError(f"its format is {about.get('format')!r} and not {FORMAT!r}")
        settings = Settings.from_dict(json.loads(about["settings"]))
        model = build(settings)
        model.load_state_dict(state)
        metrics = {str(name): float(value) for name, value in json.loads(about["metrics"]).items()}
    except (KeyError, ValueError, RuntimeError, TypeError, AttributeError, safetensors.SafetensorError) as error:
        raise ValueError(f"checkpoint: expected one of se3unet, got {path} ({error})") from error
    return Trained(model.eval(), settings, metrics)
