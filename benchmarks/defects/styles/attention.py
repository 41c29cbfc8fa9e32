"""Plain attention over batches of points: a transformer whose logits are distances."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, safe_norm
from equivariance import CartesianPoints, Contract, Invariant, Irreps

BATCH, NODES, CHANNELS = 3, 8, 6
POINTS, SCALARS = CartesianPoints(nodes=1, batch=0), Invariant(nodes=1, batch=0)
VECTORS = Irreps("1x1o", nodes=1, batch=0)


class Attend(nn.Module):
    """Features and vectors gathered with the same weights."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.query, self.key = nn.Linear(CHANNELS, CHANNELS), nn.Linear(CHANNELS, CHANNELS)
        self.update = mlp(2 * CHANNELS, CHANNELS, CHANNELS)
        self.gain = nn.Parameter(torch.randn(1))

    def logits(self, h: Tensor, x: Tensor) -> Tensor:
        """[B, N, N]."""
        edges = x[:, :, None] - x[:, None]
        scores = self.query(h) @ self.key(h).mT / CHANNELS**0.5
        if self.defect == "attention-dot-of-positions":
            return scores + 0.3 * x @ x.mT  # planted: attention-dot-of-positions
        if self.defect == "attention-relative-position-bias":
            offset = torch.arange(NODES, device=x.device)
            scores = scores - 0.2 * (offset[:, None] - offset).abs()  # planted: attention-relative-position-bias
        return scores - edges.square().sum(-1)

    def forward(self, h: Tensor, v: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.logits(h, x)
        weights = logits.softmax(-1)
        if self.defect == "attention-softmax-over-batch":
            weights = logits.softmax(0)  # planted: attention-softmax-over-batch
        if self.defect == "attention-scaled-by-batch":
            weights = logits.exp() / logits.exp().sum(-1).mean()  # planted: attention-scaled-by-batch
        vectors = torch.einsum("bij,bijx->bix", weights, x[:, None] - x[:, :, None])
        if self.defect == "attention-absolute-values":
            vectors = weights.mT @ x  # planted: attention-absolute-values
        if self.defect == "attention-mean-over-batch":
            v = v - v.mean((0, 1), keepdim=True)  # planted: attention-mean-over-batch
        if self.defect == "attention-viewed-as-transposed":
            vectors = vectors.reshape(-1, 3, NODES).mT  # planted: attention-viewed-as-transposed
        v = v + self.gain * vectors
        h = h + self.update(torch.cat([weights @ h, safe_norm(v, True).expand_as(h)], -1))
        return h, v


class Transformer(nn.Module):
    """A feature and a vector for each point."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, CHANNELS)
        self.layers = nn.ModuleList(Attend(defect if i == depth else "") for i in range(3))

    def forward(self, kinds: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        h, v = self.embed(kinds), kinds[..., :1] * (x - x.mean(1, keepdim=True))
        for layer in self.layers:
            h, v = layer(h, v, x)
        return h, v


def network(defect: str, depth: int) -> Example:
    contract = Contract({"h": SCALARS, "v": VECTORS, "x": POINTS}, (SCALARS, VECTORS))
    args = (torch.randn(BATCH, NODES, 3), torch.randn(BATCH, NODES, 3))
    return Example(
        Transformer(defect, depth), args, (SCALARS, POINTS), (SCALARS, VECTORS),
        {f"layers.{i}": contract for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("attention-dot-of-positions", "absolute-position", "translation"),
    Planting("attention-relative-position-bias", "order-dependent", "permutation", origin="ardigen/MAT#7"),
    Planting("attention-softmax-over-batch", "batch-coupled", "batch"),
    Planting("attention-scaled-by-batch", "batch-coupled", "batch", origin="NVIDIA-BioNeMo/KERMT#31"),
    Planting("attention-absolute-values", "absolute-position", "translation"),
    Planting("attention-mean-over-batch", "batch-coupled", "batch", origin="MediaBrain-SJTU/EqMotion#1"),
    Planting("attention-viewed-as-transposed", "component-mixing", "rotation", ("permutation",)),
)  # fmt: skip
CASES = planted("attention", network, PLANTINGS, ("e3", "permutation", "batch"))
