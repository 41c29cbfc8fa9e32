"""gotennet-pytorch: dense networks on atoms, with vectors, features of two degrees, bonds, masks and full attention."""

from __future__ import annotations

from typing import Any

import torch
from gotennet_pytorch import GotenNet
from torch import Tensor, nn

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

SIZES = {"dim": 16, "depth": 1, "heads": 2, "dim_head": 8, "dim_edge_refinement": 16}
MASK = torch.arange(7) < torch.tensor([[7], [5]])


class Given(nn.Module):
    """Passes coordinates by name, as the network wants them, and lists the features of all degrees."""

    def __init__(self, network: nn.Module) -> None:
        """Keep the network."""
        super().__init__()
        self.network = network

    def forward(self, atoms: Tensor, coors: Tensor, **more: Tensor) -> tuple[Tensor, ...]:
        """Returns features [B, N, C], and vectors [B, N, 3] or features of each degree [B, N, C, 2 l + 1]."""
        features, others = self.network(atoms, coors=coors, **more)
        return (features, *others) if isinstance(others, list) else (features, others)


def network(more: dict[str, Tensor] | None = None, laws: dict[str, Law] | None = None, **options: Any) -> Example:
    """One layer on two samples of seven atoms."""
    settings = {**SIZES, "max_degree": 2, "return_coors": True, **options}
    tensors = {"atoms": clouds.kinds(2, 7, most=5), "coors": clouds.normal(2, 7, 3), **(more or {})}
    given = {"atoms": clouds.DENSE_FEATURES, "coors": clouds.DENSE_POINTS, **(laws or {})}
    degrees = [clouds.DENSE_VECTORS]
    if not settings["return_coors"]:
        degrees = [Law(f"{d + 1}{'eo'[(d + 1) % 2]}", nodes=1, samples=0) for d in range(settings["max_degree"])]
    return Example(
        lambda: Given(GotenNet(**settings)), tensors, given, (clouds.DENSE_FEATURES, *degrees), unpack=tuple,
        keywords=tuple(more or {}), components=(3, 5),
    )  # fmt: skip


def bonds() -> Example:
    """With a matrix of bonds for each sample."""
    near = clouds.normal(2, 7, 7, seed=3)
    return network({"adj_mat": near + near.mT > 0}, {"adj_mat": Law(nodes=(1, 2), samples=0)})


MODULES = {
    "GotenNet": lambda: network(depth=2),
    "GotenNet, one stream": lambda: network(num_residual_streams=1, add_value_residual=False, final_norm=False),
    "GotenNet, all degrees": lambda: network(return_coors=False),
    "GotenNet, mask": lambda: network({"mask": MASK}, {"mask": clouds.DENSE_FEATURES}),
    "GotenNet, bonds": bonds,
    "GotenNet, full attention": lambda: network(invariant_full_attn=True, proj_invariant_dim=4),
}
