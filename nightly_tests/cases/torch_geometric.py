"""PyTorch Geometric: models and convolutions that take positions."""

from __future__ import annotations

import torch
from torch_geometric import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn.models import schnet, visnet

import equivariance as eq
from nightly_tests.cases.clouds import cloud, numbers, radius_graph

schnet.radius_graph = visnet.radius_graph = radius_graph
GROUPS = ["e3", "permutation", "batch"]
SAMPLES = eq.Concatenated(0, (5, 5))
PER_SAMPLE = eq.Invariant(nodes=None, batch=0)
VISNET = {"hidden_channels": 8, "num_heads": 2, "num_layers": 2, "num_rbf": 6, "cutoff": 10.0}


def molecules() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two of five atoms each: z, pos, batch."""
    return numbers(10, 8) + 1, torch.cat([cloud(5, 0), cloud(5, 1)]), torch.arange(2).repeat_interleave(5)


def potential(module: torch.nn.Module, out: object = PER_SAMPLE) -> eq.Report:
    """z, pos and batch tell themselves."""
    return eq.diagnose(module, molecules(), irreps_out=out, group=GROUPS, samples=4)


def convolution(module: torch.nn.Module, *more: torch.Tensor) -> eq.Report:
    """One output per node of one cloud."""
    pos = cloud(8)
    inputs = (torch.randn(8, 4), pos, *more, radius_graph(pos, 3.0))
    return eq.diagnose(
        module, inputs, irreps_out=eq.Invariant(nodes=0, batch=None), group=["e3", "permutation"], samples=4
    )


class Absolute(torch.nn.Module):
    """A break to be found: SchNet beside a look at where the molecules are."""

    def __init__(self) -> None:
        """A small SchNet."""
        super().__init__()
        self.network = nn.SchNet(hidden_channels=8, num_filters=8, num_interactions=2, num_gaussians=6)

    def forward(self, z: torch.Tensor, pos: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """Energies, and the mean distance from the origin."""
        return self.network(z, pos, batch) + nn.global_mean_pool(pos.norm(dim=-1, keepdim=True), batch)


class OnBatch(torch.nn.Module):
    """SchNet on a ``Batch``."""

    def __init__(self) -> None:
        """A small one."""
        super().__init__()
        self.network = nn.SchNet(hidden_channels=8, num_filters=8, num_interactions=2, num_gaussians=6)

    def forward(self, data: Batch) -> torch.Tensor:
        """One energy per molecule."""
        return self.network(data.z, data.pos, data.batch)


def on_batch() -> eq.Report:
    """Nothing is declared: the fields of the data tell themselves."""
    data = [Data(z=numbers(5, 8, i) + 1, pos=cloud(5, i)) for i in range(3)]
    return eq.diagnose(OnBatch(), Batch.from_data_list(data), irreps_out=PER_SAMPLE, group=GROUPS, samples=4)


def derivative() -> eq.Report:
    """Energies and forces."""
    forces = eq.Irreps("1x1o", nodes=0, batch=SAMPLES)
    return potential(visnet.ViSNet(lmax=1, derivative=True, **VISNET), (PER_SAMPLE, forces))


CASES = {
    "SchNet": lambda: potential(nn.SchNet(hidden_channels=8, num_filters=8, num_interactions=2, num_gaussians=6)),
    "SchNet on a Batch": on_batch,
    "planted: absolute positions": lambda: potential(Absolute()),
    "ViSNet(lmax=1, derivative=True)": derivative,
    "ViSNet(lmax=2)": lambda: potential(visnet.ViSNet(lmax=2, **VISNET), (PER_SAMPLE, None)),
    "ViSNet(vertex=True)": lambda: potential(visnet.ViSNet(lmax=1, vertex=True, **VISNET), (PER_SAMPLE, None)),
    "ViSNet(vecnorm_type='max_min')": lambda: potential(
        visnet.ViSNet(lmax=1, vecnorm_type="max_min", **VISNET), (PER_SAMPLE, None)
    ),
    "PPFConv": lambda: convolution(
        nn.PPFConv(torch.nn.Linear(8, 6)), torch.nn.functional.normalize(torch.randn(8, 3), dim=-1)
    ),
    "PointTransformerConv": lambda: convolution(nn.PointTransformerConv(4, 6)),
    "PointNetConv": lambda: convolution(nn.PointNetConv(torch.nn.Linear(7, 6))),
}
