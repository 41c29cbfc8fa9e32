"""Networks of e3nn's modules: compiled tensor products, Linear, Gate, BatchNorm, S2Activation, NormActivation."""

from __future__ import annotations

import torch
from e3nn import nn as enn
from e3nn import o3
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, safe_norm
from equivariance import Contract

NODES = 8
HIDDEN, HARMONICS = o3.Irreps("4x0e+2x1o+1x2e"), o3.Irreps("0e+1o+2e")
GATED = o3.Irreps("7x0e+2x1o+1x2e")
VECTORS = slice(4, 10)


class Convolution(nn.Module):
    """Tensor product of the neighbours' features with harmonics, weighted by a network of the distance."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.product = o3.FullyConnectedTensorProduct(HIDDEN, HARMONICS, GATED, shared_weights=False)
        self.radial = mlp(1, 4, self.product.weight_numel)

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        edges = x[:, None] - x
        if self.defect == "e3nn-harmonics-of-positions":
            units = x / x.norm(dim=-1, keepdim=True)  # planted: e3nn-harmonics-of-positions
            edges = units.expand(len(x), -1, -1)
        if self.defect == "e3nn-old-axis-order":
            edges = edges.roll(-1, -1)  # planted: e3nn-old-axis-order
        harmonics = o3.spherical_harmonics(HARMONICS, edges / (1 + safe_norm(edges, True)), normalize=False)
        weights = self.radial(safe_norm(x[:, None] - x, keepdim=True))
        return self.product(features.expand(len(x), -1, -1), harmonics, weights).sum(1)


class Layer(nn.Module):
    """Convolution, gate and self-interaction."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.convolution = Convolution(defect)
        self.gate = enn.Gate("4x0e", [torch.nn.functional.silu], "3x0e", [torch.sigmoid], "2x1o+1x2e")
        self.linear = o3.Linear(HIDDEN, HIDDEN)
        self.norm = nn.BatchNorm1d(HIDDEN.dim)
        self.bias = nn.Parameter(torch.randn(HIDDEN.dim))
        # No power of the resolution saves an activation whose products have degrees beyond the grid's.
        self.sphere = enn.S2Activation("0e+1o+2e", torch.relu, (6, 5), normalization="component")

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        made = self.convolution(features, x)
        if self.defect == "e3nn-sliced-too-far":
            made = torch.cat([made[:, :6], made[:, 6:8].relu(), made[:, 8:]], -1)  # planted: e3nn-sliced-too-far
        made = self.linear(self.gate(made))
        if self.defect == "e3nn-bias-on-everything":
            made = made + self.bias  # planted: e3nn-bias-on-everything
        if self.defect == "e3nn-plain-batchnorm":
            made = self.norm(made)  # planted: e3nn-plain-batchnorm
        if self.defect == "e3nn-relu-on-everything":
            made = torch.relu(made)  # planted: e3nn-relu-on-everything
        if self.defect == "e3nn-transposed-channels":
            vectors = made[:, VECTORS].reshape(-1, 3, 2).transpose(1, 2).flatten(1)  # planted: e3nn-transposed-channels
            made = torch.cat([made[:, :4], vectors, made[:, 10:]], -1)
        if self.defect == "e3nn-coarse-sphere":
            signal = torch.cat([made[:, :1], made[:, 4:7], made[:, 10:]], -1)
            signal = self.sphere(signal)  # planted: e3nn-coarse-sphere
            made = torch.cat([signal[:, :1], made[:, 1:4], signal[:, 1:4], made[:, 7:10], signal[:, 4:9]], -1)
        if self.defect == "e3nn-even-vector":
            first, second = made[:, 4:7], made[:, 7:10]
            first = first + 3 * torch.linalg.cross(first, second)  # planted: e3nn-even-vector
            made = torch.cat([made[:, :4], first, made[:, 7:]], -1)
        return features + made


class Network(nn.Module):
    """Features of each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = o3.Linear("3x0e", HIDDEN)
        self.layers = nn.ModuleList(Layer(defect if i == depth else "") for i in range(3))
        self.head = o3.Linear(HIDDEN, "2x0e+1o+2e")

    def forward(self, kinds: Tensor, x: Tensor) -> Tensor:
        features = self.embed(kinds)
        for layer in self.layers:
            features = layer(features, x)
        return self.head(features)


def network(defect: str, depth: int) -> Example:
    convolution = Contract({"features": HIDDEN, "x": "cartesian_points"}, GATED)
    layer = Contract({"features": HIDDEN, "x": "cartesian_points"}, HIDDEN)
    contracts = {f"layers.{i}.convolution": convolution for i in range(3)} | {f"layers.{i}": layer for i in range(3)}
    return Example(
        Network(defect, depth), (torch.randn(NODES, 3), torch.randn(NODES, 3)), ("3x0e", "cartesian_points"),
        "2x0e+1o+2e", contracts,
    )  # fmt: skip


PLANTINGS = (
    Planting("e3nn-harmonics-of-positions", "absolute-position", "translation", (), ("convolution",)),
    Planting("e3nn-old-axis-order", ("wrong-irrep", "component-mixing"), "rotation", (), ("convolution",),
             "brown-ivl/ConDor#5"),
    Planting("e3nn-sliced-too-far", ("component-mixing", "frame-dependent"), "rotation", ("inversion",)),
    Planting("e3nn-bias-on-everything", "component-mixing", "rotation", ("inversion",), ("",), "QUVA-Lab/e2cnn#13"),
    Planting("e3nn-plain-batchnorm", "component-mixing", "rotation", ("inversion",), ("norm", "")),
    Planting("e3nn-relu-on-everything", "component-mixing", "rotation", ("inversion",)),
    Planting("e3nn-transposed-channels", "component-mixing", "rotation"),
    Planting("e3nn-coarse-sphere", ("discretization", "component-mixing"), "rotation", ("inversion",), ("sphere", ""),
             "facebookresearch/fairchem#1068"),
    Planting("e3nn-even-vector", "wrong-irrep", "inversion"),
)  # fmt: skip
CASES = planted("e3nn", network, PLANTINGS, ("e3", "permutation"))
