"""PaiNN: scalars and channels of vectors, which are scaled by scalars and mixed by matrices."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, safe_norm, smooth_cutoff
from equivariance import Contract

NODES, CHANNELS, CUTOFF = 8, 4, 4.0


class Message(nn.Module):
    """Scalars and vectors from the neighbours, by functions of distance."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.scalars = mlp(CHANNELS, CHANNELS, 3 * CHANNELS)
        self.filter = nn.Linear(1, 3 * CHANNELS)

    def forward(self, s: Tensor, v: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        edges = x[:, None] - x
        distances = safe_norm(edges)
        filters = self.filter((-distances).exp()[..., None]) * smooth_cutoff(distances, CUTOFF)[..., None]
        a, b, c = (self.scalars(s) * filters).chunk(3, -1)
        directions = edges / (1 + distances)[..., None]
        if self.defect == "painn-absolute-direction":
            units = x / x.norm(dim=-1, keepdim=True)  # planted: painn-absolute-direction
            directions = units.expand(len(x), -1, -1)
        if self.defect == "painn-saturated-direction":
            directions = torch.sin(edges) / (1 + distances)[..., None]  # planted: painn-saturated-direction
        vectors = torch.einsum("ijc,jcx->icx", b, v) + torch.einsum("ijc,ijx->icx", c, directions)
        return s + a.sum(1), v + vectors


class Update(nn.Module):
    """Scalars and vectors of one node exchange norms and inner products."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.left = nn.Linear(CHANNELS, CHANNELS, bias=False)
        self.right = nn.Linear(CHANNELS, CHANNELS, bias=defect == "painn-mixing-bias")
        self.gates = mlp(2 * CHANNELS, CHANNELS, 3 * CHANNELS)
        self.norm = nn.LayerNorm((CHANNELS, 3))
        self.axes = nn.Linear(3, 3, bias=False)
        self.register_buffer("mask", (torch.rand(CHANNELS, 3) < 0.8).to(torch.get_default_dtype()))

    def forward(self, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        left = self.left(v.transpose(-1, -2)).transpose(-1, -2)
        right = self.right(v.transpose(-1, -2)).transpose(-1, -2)  # planted: painn-mixing-bias
        norms = safe_norm(right)
        if self.defect == "painn-norm-over-channels":
            norms = right.square().sum(-2)[..., [0, 1, 2, 0]].sqrt()  # planted: painn-norm-over-channels
        a, b, c = self.gates(torch.cat([s, norms], -1)).chunk(3, -1)
        if self.defect == "painn-relu":
            left = torch.relu(left)  # planted: painn-relu
        if self.defect == "painn-layernorm":
            left = self.norm(left)  # planted: painn-layernorm
        if self.defect == "painn-linear-on-components":
            left = self.axes(left)  # planted: painn-linear-on-components
        if self.defect == "painn-component-mask":
            left = left * self.mask  # planted: painn-component-mask
        if self.defect == "painn-cross-product":
            left = left + torch.linalg.cross(left, right)  # planted: painn-cross-product
        if self.defect == "painn-scalar-from-x":
            s = s + v[..., 0]  # planted: painn-scalar-from-x
        return s + a + b * (left * right).sum(-1), v + c[..., None] * left


class Layer(nn.Module):
    """A message, then an update."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.message = Message(defect)
        self.update = Update(defect)

    def forward(self, s: Tensor, v: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.update(*self.message(s, v, x))


class PaiNN(nn.Module):
    """A scalar and a vector for each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, CHANNELS)
        self.layers = nn.ModuleList(Layer(defect if i == depth else "") for i in range(3))
        self.head = nn.Linear(CHANNELS, 1, bias=False)

    def forward(self, kinds: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        s = self.embed(kinds)
        v = s.new_zeros(len(s), CHANNELS, 3)
        for layer in self.layers:
            s, v = layer(s, v, x)
        return s, self.head(v.transpose(-1, -2)).squeeze(-1)


def network(defect: str, depth: int) -> Example:
    message = Contract({"s": None, "v": "1x1o", "x": "cartesian_points"}, (None, "1x1o"))
    update = Contract({"s": None, "v": "1x1o"}, (None, "1x1o"))
    contracts = {f"layers.{i}.message": message for i in range(3)} | {f"layers.{i}.update": update for i in range(3)}
    return Example(
        PaiNN(defect, depth), (torch.randn(NODES, 3), torch.randn(NODES, 3)), (None, "cartesian_points"),
        (None, "1x1o"), contracts,
    )  # fmt: skip


UPDATE, MESSAGE = ("update",), ("message",)
PLANTINGS = (
    Planting("painn-absolute-direction", "absolute-position", "translation", (), MESSAGE,
             "pengxingang/Pocket2Mol#23"),
    Planting("painn-saturated-direction", "component-mixing", "rotation", (), MESSAGE),
    Planting("painn-mixing-bias", "component-mixing", "rotation", ("inversion",), ("update.right", "update"),
             "ORNL/HydraGNN#511"),
    Planting("painn-norm-over-channels", "component-mixing", "rotation", (), UPDATE),
    Planting("painn-relu", "component-mixing", "rotation", ("inversion",), UPDATE),
    Planting("painn-layernorm", "component-mixing", "rotation", ("inversion",), ("update.norm", "update"),
             "pengxingang/Pocket2Mol#16"),
    Planting("painn-linear-on-components", "component-mixing", "rotation", (), ("update.axes", "update"),
             "pengxingang/Pocket2Mol#16"),
    Planting("painn-component-mask", ("component-mixing", "frame-dependent"), "rotation", (), UPDATE,
             "heidelberg-hepml/lorentz-gatr#32"),
    Planting("painn-cross-product", "wrong-irrep", "inversion", (), UPDATE,
             "lollcat/se3-augmented-coupling-flows#55"),
    Planting("painn-scalar-from-x", ("frame-dependent", "component-mixing"), "rotation", ("inversion",), UPDATE),
)  # fmt: skip
CASES = planted("painn", network, PLANTINGS, ("e3", "permutation"))
