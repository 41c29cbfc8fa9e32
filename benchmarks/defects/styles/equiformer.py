"""Equiformer: attention over neighbours, with invariant logits and equivariant values; edge frames as in eSCN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, safe_norm
from equivariance import Contract

NODES, SCALARS, VECTORS = 8, 6, 3


class Attention(nn.Module):
    """Softmax over the neighbours of logits made of scalars and distances."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.query = nn.Linear(SCALARS, SCALARS)
        self.logits = mlp(2 * SCALARS + 1, SCALARS, 1)
        self.flat = nn.Linear(3 * VECTORS, 1)
        self.radius = nn.Linear(1, SCALARS)

    def forward(self, s: Tensor, v: Tensor, x: Tensor) -> Tensor:
        count = len(s)
        query = self.query(s)
        if self.defect == "equiformer-radius-in-query":
            query = query + self.radius(x.norm(dim=-1, keepdim=True))  # planted: equiformer-radius-in-query
        ends = (query[:, None].expand(-1, count, -1), s.expand(count, -1, -1))
        logits = self.logits(torch.cat([*ends, safe_norm(x[:, None] - x, True)], -1)).squeeze(-1)
        if self.defect == "equiformer-logits-of-components":
            logits = logits + self.flat((v[:, None] - v).flatten(-2)).squeeze(
                -1
            )  # planted: equiformer-logits-of-components
        if self.defect == "equiformer-causal-mask":
            later = torch.ones(count, count, dtype=torch.bool, device=s.device).triu(1)
            logits = logits.masked_fill(later, -torch.inf)  # planted: equiformer-causal-mask
        return logits.softmax(-1)


class EdgeFrame(nn.Module):
    """Vectors are turned so that the edge lies along y, weighted there, and turned back."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.weights = nn.Parameter(torch.randn(2))

    def frames(self, edges: Tensor) -> Tensor:
        """[..., 3, 3], whose rows are axes; the second one is the edge."""
        along = edges / safe_norm(edges, True)
        up = torch.eye(3).to(edges)[2].expand_as(along)
        # The axis is arbitrary, and no fault as long as what is done in the frame does not tell the two others apart.
        side = torch.linalg.cross(along, up)  # planted: equiformer-unequal-orders, equiformer-activation-in-frame
        side = side / safe_norm(side, True)
        return torch.stack([side, along, torch.linalg.cross(side, along)], -2)

    def forward(self, v: Tensor, edges: Tensor) -> Tensor:
        frames = self.frames(edges)
        local = torch.einsum("ijkx,ijcx->ijck", frames, v)
        across, along = self.weights
        scale = torch.stack([across, along, across])
        if self.defect == "equiformer-unequal-orders":
            scale = torch.stack([across, along, 0.5 * across])
        local = local * scale  # planted: equiformer-unequal-orders
        if self.defect == "equiformer-activation-in-frame":
            local = local + nn.functional.silu(local)  # planted: equiformer-activation-in-frame
        return torch.einsum("ijkx,ijck->ijcx", frames, local)


class Layer(nn.Module):
    """Attention, values in edge frames, and a gated update."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.attention = Attention(defect)
        self.frame = EdgeFrame(defect)
        self.update = mlp(SCALARS + VECTORS, SCALARS, SCALARS + VECTORS)
        self.norm = nn.LayerNorm(3)

    def forward(self, s: Tensor, v: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        weights = self.attention(s, v, x)
        edges = x[:, None] - x
        values = self.frame(v - v[:, None], edges) + edges[..., None, :] / (1 + safe_norm(edges, True)[..., None])
        if self.defect == "equiformer-softmax-on-components":
            values = values * values.softmax(-1)  # planted: equiformer-softmax-on-components
        v = v + torch.einsum("ij,ijcx->icx", weights, values)
        if self.defect == "equiformer-layernorm-on-components":
            v = self.norm(v)  # planted: equiformer-layernorm-on-components
        s, gates = self.update(torch.cat([weights @ s, safe_norm(v)], -1)).split((SCALARS, VECTORS), -1)
        return s, v * gates.sigmoid()[..., None]


class Equiformer(nn.Module):
    """Scalars and vectors of each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, SCALARS)
        self.layers = nn.ModuleList(Layer(defect if i == depth else "") for i in range(3))

    def forward(self, kinds: Tensor, v: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        s = self.embed(kinds)
        for layer in self.layers:
            s, v = layer(s, v, x)
        return s, v


def network(defect: str, depth: int) -> Example:
    contract = Contract({"s": None, "v": "1x1o", "x": "cartesian_points"}, (None, "1x1o"))
    args = (torch.randn(NODES, 3), torch.randn(NODES, VECTORS, 3), torch.randn(NODES, 3))
    return Example(
        Equiformer(defect, depth), args, (None, "1x1o", "cartesian_points"), (None, "1x1o"),
        {f"layers.{i}": contract for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("equiformer-radius-in-query", "absolute-position", "translation", (), ("attention", "")),
    Planting("equiformer-logits-of-components", "component-mixing", "rotation", ("inversion",),
             ("attention.flat", "attention", "")),
    Planting("equiformer-causal-mask", "order-dependent", "permutation", (), ("attention", "")),
    Planting("equiformer-unequal-orders", "frame-dependent", "rotation", (), ("frame", "")),
    Planting("equiformer-activation-in-frame", ("frame-dependent", "component-mixing"), "rotation", ("inversion",),
             ("frame", ""), "atomicarchitects/equiformer_v2#17"),
    Planting("equiformer-softmax-on-components", "component-mixing", "rotation", ("inversion",)),
    Planting("equiformer-layernorm-on-components", "component-mixing", "rotation", ("inversion",), ("norm", ""),
             "pengxingang/Pocket2Mol#16"),
)  # fmt: skip
CASES = planted("equiformer", network, PLANTINGS, ("e3", "permutation"))
