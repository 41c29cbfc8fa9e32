"""Describes a steerable network as a subject of the harness: smooth example fields, contracts, claims."""

from __future__ import annotations

import torch
from torch import Tensor

from equivariance import Invariant
from equivariance.subject import Subject
from equivariance_zoo.steerable3d.config import NetworkConfig, Stage
from equivariance_zoo.steerable3d.contracts import field, network_contracts
from equivariance_zoo.steerable3d.model import SteerableClassifier

SEED = 0
_SIZE, _BLOBS, _WIDTH, _SPREAD = 16, 6, 1.8, 1.7
"""Voxels of a side, Gaussians of an example, their sigma and the sigma of their centres, in voxels."""


def steerable3d() -> Subject:
    """Returns a small network with a stride and seeded random weights, on two smooth fields on a periodic grid."""
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        stages = (Stage("4x0e + 2x1e + 1x2e", blocks=2), Stage("8x0e + 4x1e + 2x2e", stride=2, blocks=2))
        model = SteerableClassifier(NetworkConfig(8, stages, periodic=True))
    contracts = network_contracts(model)
    return Subject(
        name="steerable3d",
        module=model.eval(),
        args=(blobs(),),
        irreps_in=(field("1x0e", periodic=True),),
        irreps_out=Invariant(nodes=None, batch=0),
        claims=("se3", "batch"),
        contracts=contracts,
        stages={"fine layers": ("layers.0", "layers.1"), "coarse layers": ("layers.2", "layers.3"),
                "pool": ("pool",), "head": ("head",)},
        description="3-D steerable CNN on voxels: exact on the lattice, as good as the grid between its cells",
    )  # fmt: skip


def blobs(count: int = 2, size: int = _SIZE) -> Tensor:
    """Returns sums of Gaussians near the middle, [count, 1, size, size, size]: fields that the grid resolves."""
    generator = torch.Generator().manual_seed(SEED)
    axis = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    positions = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    centres = _SPREAD * torch.randn(count, _BLOBS, 1, 1, 1, 3, generator=generator, dtype=torch.float64)
    weights = torch.randn(count, _BLOBS, 1, 1, 1, generator=generator, dtype=torch.float64)
    distances = (positions - centres).square().sum(-1)
    return (weights * torch.exp(-0.5 * distances / _WIDTH**2)).sum(1)[:, None].float()
