"""Writes and reads trained networks as .safetensors files: weights, with settings and figures as JSON.

Each network has a `checkpoint` module of its own, which says under which keys its settings stand; it calls `write`
and `reading`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor, nn

from equivariance_zoo.training.extras import import_extra
from equivariance_zoo.training.files import replace_file


def write(path: str | Path, model: nn.Module, about: Mapping[str, str], metrics: Mapping[str, float]) -> None:
    """Writes weights, settings and figures. An existing file is replaced in one step.

    Args:
        path: The file.
        model: The network, on any device.
        about: Settings by key, as text.
        metrics: Figures by name.

    Raises:
        ImportError: If safetensors is not installed.
        OSError: If the file cannot be written.
    """
    safetensors = import_extra("safetensors.torch", "checkpoints", "train")
    figures = json.dumps({name: float(value) for name, value in metrics.items()})
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    replace_file(path, safetensors.save(state, {**about, "metrics": figures}))


@contextmanager
def reading(path: str | Path, writer: str) -> Iterator[tuple[dict[str, str], dict[str, Tensor]]]:
    """Yields the content of a file of `write`: the settings by key, and the weights by name, on the CPU.

    Errors of the block, which builds the network, are raised as errors of the file.

    Args:
        path: The file.
        writer: Name of the package whose checkpoints are expected.

    Raises:
        ValueError: If the file does not exist, is no checkpoint of `writer`, or is damaged.
        ImportError: If safetensors is not installed.
    """
    safetensors = import_extra("safetensors", "checkpoints", "train")
    if not Path(path).is_file():
        raise ValueError(f"checkpoint: expected a .safetensors file, got {path}")
    damage = (
        *(KeyError, ValueError, RuntimeError, TypeError, AttributeError, OverflowError, MemoryError),
        safetensors.SafetensorError,
    )
    try:
        with safetensors.safe_open(str(path), "pt") as file:
            about = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        yield about, state
    except damage as error:
        raise ValueError(f"checkpoint: expected one of {writer}, got {path} ({error})") from error


def metrics_of(about: Mapping[str, str]) -> dict[str, float]:
    """Returns the figures of a checkpoint by name."""
    return {str(name): float(value) for name, value in json.loads(about["metrics"]).items()}
