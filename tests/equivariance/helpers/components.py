"""A network of vectors with one exchangeable statement in its middle, sound everywhere else."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal


class Middle(nn.Module):
    """Channels are mixed and gated before and after the statement that applies `function`."""

    def __init__(self, function, seed=0):
        super().__init__()
        self.function = function
        self.first = nn.Parameter(normal(4, 4, seed=100 + seed))
        self.last = nn.Parameter(normal(4, 4, seed=200 + seed))

    def forward(self, x: Tensor) -> Tensor:
        h = self.first @ x
        h = h * h.norm(dim=-1, keepdim=True).tanh()
        h = self.function(h)
        return x + self.last @ (h * (1 + h.square().sum(-1, keepdim=True)))


class Lengths(nn.Module):
    """A network of scalars that `function` makes of vectors [nodes, 4, 3]."""

    def __init__(self, function, seed=0):
        super().__init__()
        self.function, self.first = function, nn.Parameter(normal(4, 4, seed=300 + seed))
        torch.manual_seed(seed)
        self.head = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))

    def forward(self, x: Tensor) -> Tensor:
        lengths = self.function(self.first @ x)
        return self.head(lengths)


def findings(network, inputs=None, takes="1x1o", gives="1x1o", group="so3"):
    given = normal(8, 4, 3) if inputs is None else inputs
    return eq.diagnose(network, (given,), takes, gives, group=group, samples=3).findings


def mechanisms(network, *args, **kwargs):
    """The mechanisms of all findings, "" for a finding without one."""
    return {f.mechanism for f in findings(network, *args, **kwargs)}
