"""Trained networks as files: weights with their settings and figures inside, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from equivariance_zoo.steerable3d.dense import DenseClassifier
from equivariance_zoo.steerable3d.model import SteerableClassifier
from equivariance_zoo.steerable3d.settings import Run
from equivariance_zoo.training import checkpoint
from equivariance_zoo.training.files import made_folder


def build(run: Run) -> nn.Module:
    """The network of a run, with weights drawn from its seed; the global generators are left as they were."""
    with torch.random.fork_rng():
        torch.manual_seed(run.training.seed)
        return DenseClassifier(run.network) if run.training.dense else SteerableClassifier(run.network)


def save(path: Path, model: nn.Module, run: Run, metrics: Mapping[str, float]) -> None:
    """Write weights, settings and figures to a .safetensors file; a file that is there is replaced in one step."""
    made_folder(path.parent)
    checkpoint.write(path, model, {"run": json.dumps(run.to_dict())}, metrics)


def load(path: Path) -> tuple[nn.Module, Run, dict[str, float]]:
    """The network in evaluation mode, its settings, and its figures.

    Raises:
        ValueError: no such file, or no checkpoint of this package.
    """
    with checkpoint.reading(path, "steerable3d") as (about, state):
        run = Run.from_dict(json.loads(about["run"]))
        model = build(run)
        model.load_state_dict(state)
        return model.eval(), run, checkpoint.metrics_of(about)
