"""Trained networks as files: weights with their settings and figures inside, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from equivariance_zoo.steerable3d.dense import DenseClassifier
from equivariance_zoo.steerable3d.extras import needed
from equivariance_zoo.steerable3d.model import SteerableClassifier
from equivariance_zoo.steerable3d.settings import Run


def build(run: Run) -> nn.Module:
    """The network of a run, with weights drawn from its seed; the global generators are left as they were."""
    with torch.random.fork_rng():
        torch.manual_seed(run.training.seed)
        return DenseClassifier(run.network) if run.training.dense else SteerableClassifier(run.network)


def save(path: Path, model: nn.Module, run: Run, metrics: Mapping[str, float]) -> None:
    """Write weights, settings and figures to a .safetensors file; a file that is there is replaced in one step."""
    safetensors = needed("safetensors.torch", "checkpoints", "train")
    about = {"run": json.dumps(run.to_dict()), "metrics": json.dumps(dict(metrics))}
    data = safetensors.save({k: v.contiguous() for k, v in model.state_dict().items()}, about)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not by tempfile, whose files nobody else may read.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(path: Path) -> tuple[nn.Module, Run, dict[str, float]]:
    """The network in evaluation mode, its settings, and its figures.

    Raises:
        ValueError: no such file, or no checkpoint of this package.
    """
    safetensors = needed("safetensors", "checkpoints", "train")
    if not path.is_file():
        raise ValueError(f"checkpoint: expected a .safetensors file, got {path}")
    try:
        with safetensors.safe_open(path, "pt") as file:
            about = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        run = Run.from_dict(json.loads(about["run"]))
        model = build(run)
        model.load_state_dict(state)
        metrics = {str(k): float(v) for k, v in json.loads(about["metrics"]).items()}
    except (KeyError, ValueError, RuntimeError, TypeError, safetensors.SafetensorError) as error:
        raise ValueError(f"checkpoint: expected one of steerable3d, got {path} ({error})") from error
    return model.eval(), run, metrics
