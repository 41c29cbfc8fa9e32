"""Helpers for the tests of conditions: a cloud, a network of vectors on it, and the statements that a report names."""

import torch
from torch import Tensor, nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

POINTS = eq.CartesianPoints(nodes=0, batch=None)
VECTORS = eq.Irreps(irreps="1x1o", nodes=0, batch=None)
NUMBERS = eq.Invariant(nodes=0, batch=None)


def messages(x: Tensor) -> Tensor:
    """Sound: a vector [N, 3] for each point [N, 3]."""
    difference = x[:, None] - x[None]
    weights = torch.exp(-torch.linalg.vector_norm(difference, dim=-1))
    return (weights.unsqueeze(-1) * difference).sum(1)


class Network(nn.Module):
    """Four vectors for each point, mixed by a matrix without bias; what comes in between is up to subclasses.

    Broken where they are told to be so.
    """

    def __init__(self, broken: bool = False) -> None:
        super().__init__()
        self.broken = broken
        self.up, self.weight = nn.Parameter(normal(4, seed=1)), nn.Parameter(normal(4, 4, seed=2))
        self.build()

    def build(self) -> None:
        """Further layers."""

    def vectors(self, x: Tensor) -> Tensor:
        return self.weight @ (messages(x)[:, None, :] * self.up[:, None])


def diagnosed(module, output=VECTORS, group="so3", args=None, spec=POINTS, **options):
    """The report on a network of points."""
    return eq.diagnose(module, normal(10, 3) if args is None else args, spec, output, group=group, samples=3, **options)


def told(report):
    """Layer, certainty and text of each finding's statement; None where there is no source."""
    return {(layer, f.located, f.location and f.location.source) for f in report.findings for layer in f.layers}
