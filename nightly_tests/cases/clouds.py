"""Small clouds and molecules."""

from __future__ import annotations

import torch


def cloud(nodes: int = 6, seed: int = 0, spread: float = 1.5) -> torch.Tensor:
    """Positions [N, 3] in float32."""
    return spread * torch.randn(nodes, 3, generator=torch.Generator().manual_seed(seed))


def numbers(nodes: int, most: int, seed: int = 0) -> torch.Tensor:
    """Whole numbers [N] below ``most``."""
    return torch.randint(most, (nodes,), generator=torch.Generator().manual_seed(seed))


def radius_graph(
    x: torch.Tensor, r: float, batch: torch.Tensor | None = None, loop: bool = False, max_num_neighbors: int = 32,
    flow: str = "source_to_target", num_workers: int = 1,
) -> torch.Tensor:  # fmt: skip
    """Edges [2, E] between nodes of one sample that are nearer than ``r``, in plain PyTorch.

    Stands in for ``torch_geometric.nn.radius_graph``, which needs ``pyg-lib``, of which the package index has no build.
    """
    near = torch.cdist(x, x) < r
    if batch is not None:
        near &= batch[:, None] == batch
    if not loop:
        near.fill_diagonal_(False)
    target, source = near.nonzero().T
    return torch.stack([source, target])
