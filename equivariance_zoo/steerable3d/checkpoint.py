"""Writes and reads trained networks: weights with settings and figures, written completely or not at all."""

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
from equivariance_zoo.training.files import make_folder


def build(run: Run) -> nn.Module:
    """Builds the network of a run, with weights from its seed. The global generators are unchanged."""
    with torch.random.fork_rng():
        torch.manual_seed(run.training.seed)
        return DenseClassifier(run.network) if run.training.dense else SteerableClassifier(run.network)


def save(path: Path, model: nn.Module, run: Run, metrics: Mapping[str, float]) -> None:
    """Writes weights, settings and figures to a .safetensors file. An existing file is replaced in one step."""
    make_folder(path.parent)
    checkpoint.write(path, model, {"run": json.dumps(run.to_dict())}, metrics)


def load(path: Path) -> tuple[nn.Module, Run, dict[str, float]]:
    """Reads a network, in evaluation mode, with its settings and figures.

    Raises:
        ValueError: If the file does not exist, or is no checkpoint of `steerable3d`.
    """
    with checkpoint.reading(path, "steerable3d") as (about, state):
        run = Run.from_dict(json.loads(about["run"]))
        model = build(run)
        model.load_state_dict(state)
        return model.eval(), run, checkpoint.metrics_of(about)
