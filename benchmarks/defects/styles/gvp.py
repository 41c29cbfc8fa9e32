"""GVP: geometric vector perceptrons on nodes, with messages over given edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import pairs, safe_norm
from equivariance import Contract, NodeIndices

NODES, SCALARS, VECTORS = 8, 6, 4


class Perceptron(nn.Module):
    """Scalars from scalars and norms; vectors mixed and gated by scalars."""

    def __init__(self, defect: str, scalars: int, vectors: int) -> None:
        super().__init__()
        self.defect = defect
        self.down = nn.Parameter(torch.randn(VECTORS, vectors) / vectors**0.5)
        self.up = nn.Parameter(torch.randn(VECTORS, VECTORS) / VECTORS**0.5)
        self.bias = nn.Parameter(torch.randn(VECTORS, 3))
        self.scalars = nn.Linear(scalars + VECTORS, SCALARS)
        self.gate = nn.Linear(SCALARS, VECTORS)

    def forward(self, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.down @ v
        norms = safe_norm(hidden)
        if self.defect == "gvp-epsilon-on-components":
            norms = (hidden + 1e-4).square().sum(-1).clamp(min=1e-8).sqrt()  # planted: gvp-epsilon-on-components
        s = self.scalars(torch.cat([s, norms], -1))
        v = self.up @ hidden
        if self.defect == "gvp-vector-bias":
            v = v + self.bias  # planted: gvp-vector-bias
        if self.defect == "gvp-component-gate":
            return s.relu(), v * torch.sigmoid(v)  # planted: gvp-component-gate
        if self.defect == "gvp-whitened-on-axes":
            unequal = torch.diag(torch.arange(1, 4).to(v))
            covariance = v.mT @ v + 0.01 * unequal  # planted: gvp-whitened-on-axes
            values, axes = torch.linalg.eigh(covariance)
            v = v @ (axes / values.sqrt()[:, None]) @ axes.mT
        return s.relu(), v * self.gate(s).sigmoid()[..., None]


class Layer(nn.Module):
    """Messages through a perceptron, averaged, added and passed through another one."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.message = Perceptron(defect, 2 * SCALARS + 1, 2 * VECTORS + 1)
        self.update = Perceptron("", SCALARS, VECTORS)
        self.direction = nn.Linear(3, SCALARS)

    def forward(self, s: Tensor, v: Tensor, x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        source, target = edges
        between = x[target] - x[source]
        scalars = torch.cat([s[source], s[target], safe_norm(between, keepdim=True)], -1)
        vectors = torch.cat([v[source], v[target], between[:, None]], -2)
        if self.defect == "gvp-absolute-vector":
            vectors = torch.cat([v[source], v[target], x[source, None] / 20], -2)  # planted: gvp-absolute-vector
        ms, mv = self.message(scalars, vectors)
        if self.defect == "gvp-direction-as-scalars":
            ms = ms + self.direction(nn.functional.normalize(between, dim=-1))  # planted: gvp-direction-as-scalars
        s = s + torch.zeros_like(s).index_add(0, target, ms) / NODES
        v = v + torch.zeros_like(v).index_add(0, target, mv) / NODES
        if self.defect == "gvp-next-in-order":
            v = v + torch.diff(x, dim=0, append=x[:1])[:, None]  # planted: gvp-next-in-order
        ds, dv = self.update(s, v)
        return s + ds, v + dv


class GVPNet(nn.Module):
    """Scalars and vectors for each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, SCALARS)
        self.layers = nn.ModuleList(Layer(defect if i == depth else "") for i in range(3))

    def forward(self, kinds: Tensor, x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        s, v = self.embed(kinds), kinds.new_zeros(len(kinds), VECTORS, 3)
        for layer in self.layers:
            s, v = layer(s, v, x, edges)
        return s, v


def network(defect: str, depth: int) -> Example:
    numbers = NodeIndices(nodes=None, batch=None)
    contract = Contract({"s": None, "v": "1x1o", "x": "cartesian_points", "edges": numbers}, (None, "1x1o"))
    return Example(
        GVPNet(defect, depth), (torch.randn(NODES, 3), torch.randn(NODES, 3), pairs(NODES)),
        (None, "cartesian_points", numbers), (None, "1x1o"), {f"layers.{i}": contract for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("gvp-epsilon-on-components", "component-mixing", "rotation", ("inversion",), ("message", "")),
    Planting("gvp-vector-bias", "component-mixing", "rotation", ("inversion",), ("message", ""),
             "QUVA-Lab/e2cnn#13"),
    Planting("gvp-component-gate", "component-mixing", "rotation", ("inversion",), ("message", "")),
    Planting("gvp-whitened-on-axes", "component-mixing", "rotation", (), ("message", ""),
             "shehzaidi/pre-training-via-denoising#5"),
    Planting("gvp-absolute-vector", "absolute-position", "translation", origin="pengxingang/Pocket2Mol#23"),
    Planting("gvp-direction-as-scalars", "component-mixing", "rotation", ("inversion",), ("direction", ""),
             "alexjli/proteinzen#2"),
    Planting("gvp-next-in-order", "order-dependent", "permutation", origin="a-r-j/ProteinWorkshop#58"),
)  # fmt: skip
CASES = planted("gvp", network, PLANTINGS, ("e3", "permutation"))
