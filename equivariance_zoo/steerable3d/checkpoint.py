"""Builds the networks of runs, and has their files: weights with settings and figures."""

from __future__ import annotations

from torch import nn

from equivariance_zoo.steerable3d.dense import DenseClassifier
from equivariance_zoo.steerable3d.model import SteerableClassifier
from equivariance_zoo.steerable3d.settings import Run
from equivariance_zoo.training.seeds import seeded
from equivariance_zoo.training.trained import Checkpoints


def build(run: Run) -> nn.Module:
    """Builds the network of a run, with weights from its seed. The global generators are unchanged."""
    with seeded(run.training.seed):
        return DenseClassifier(run.network) if run.training.dense else SteerableClassifier(run.network)


CHECKPOINTS = Checkpoints("steerable3d", Run.from_dict, build, key="run")
"""The files of this package; see `equivariance_zoo.training.trained`."""

save = CHECKPOINTS.save
load = CHECKPOINTS.load
