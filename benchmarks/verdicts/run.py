"""Runs one diagnosis of the benchmark: a network, a seed, nothing declared. Worker processes import this module."""

from __future__ import annotations

import torch

import equivariance as eq
from benchmarks.verdicts.networks import SPECIMENS

Said = dict[str, str]
"""Symmetry -> verdict, for claimed symmetries."""


def verdicts_of(name: str, seed: int) -> Said:
    """Returns the verdicts of one diagnosis with nothing declared; weights, inputs and elements follow the seed."""
    (specimen,) = [s for s in SPECIMENS if s.name == name]
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network, args = specimen.make(), specimen.inputs()
    report = eq.diagnose(network.eval(), args, seed=seed)
    return {v.symmetry: v.verdict for v in report.verdicts if v.claimed or v.symmetry in specimen.right}
