"""TFN and SE(3)-Transformer: fibers of degrees 0 to 2, coupled with spherical harmonics by Wigner 3j symbols."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, safe_norm
from equivariance import Contract

NODES, CHANNELS = 8, 3
DEGREES = {"0": "0e", "1": "1o", "2": "2e"}
# Input degree, degree of the harmonics, output degree; the parities (-1)^l agree.
PATHS = ((0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 1, 0), (1, 0, 1), (1, 2, 1), (1, 1, 2), (2, 2, 0), (2, 1, 1), (2, 0, 2))
Fibers = dict[str, Tensor]


class Kernel(nn.Module):
    """Harmonics of the edges."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        edges = x[:, None] - x
        distances = safe_norm(edges)
        directions = edges / distances[..., None]
        if self.defect == "tfn-self-edges":
            up = torch.eye(3).to(x)[2]
            directions = torch.where(distances[..., None] > 1e-3, directions, up)  # planted: tfn-self-edges
        if self.defect == "tfn-axis-order":
            directions = directions[..., [1, 2, 0]]  # planted: tfn-axis-order
        if self.defect == "tfn-absolute-harmonics":
            directions = (x / x.norm(dim=-1, keepdim=True)).expand_as(edges)  # planted: tfn-absolute-harmonics
        return distances, o3.spherical_harmonics([0, 1, 2], directions, normalize=False)


def coupling(inside: int, order: int, outside: int) -> Tensor:
    """The Wigner 3j symbols of three degrees at their place among those of the degrees 0 to 2, [9, 9, 9]."""
    full = torch.zeros(9, 9, 9)
    places = [slice(degree**2, (degree + 1) ** 2) for degree in (inside, order, outside)]
    full[tuple(places)] = o3.wigner_3j(inside, order, outside, dtype=full.dtype)
    return full


class Layer(nn.Module):
    """One convolution over all pairs and a norm nonlinearity."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        paths = (*PATHS, (1, 1, 1)) if defect == "tfn-odd-path" else PATHS
        self.kernel = Kernel(defect)
        self.radial = mlp(1, 4, len(paths) * CHANNELS * CHANNELS)
        self.bias = nn.Parameter(torch.randn(3, CHANNELS, 1))
        self.register_buffer("couplings", torch.stack([coupling(*path) for path in paths]))

    def forward(self, f0: Tensor, f1: Tensor, f2: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        distances, harmonics = self.kernel(x)
        given = [f0, f1, f2]
        weights = self.radial(distances[..., None]).unflatten(-1, (-1, CHANNELS, CHANNELS)) / NODES
        mixed = torch.einsum("ijpoc,jca->ijpoa", weights, torch.cat(given, -1))
        basis = torch.einsum("ijb,pabd->ijpad", harmonics, self.couplings)
        messages = torch.einsum("ijpoa,ijpad->iod", mixed, basis)  # planted: tfn-odd-path
        made = list(messages.split([1, 3, 5], -1))
        if self.defect == "tfn-degree-two-as-vector":
            made[1] = made[1] + made[2][..., :3]  # planted: tfn-degree-two-as-vector
        if self.defect == "tfn-bias-on-all-degrees":
            made[1] = made[1] + self.bias[1]  # planted: tfn-bias-on-all-degrees
        if self.defect == "tfn-layernorm-on-fibers":
            made[2] = nn.functional.layer_norm(made[2], (CHANNELS, 5))  # planted: tfn-layernorm-on-fibers
        return tuple(g + m / (1 + safe_norm(m, keepdim=True)) for g, m in zip(given, made, strict=True))


class TFN(nn.Module):
    """Fibers of each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, CHANNELS)
        self.layers = nn.ModuleList(Layer(defect if i == depth else "") for i in range(3))

    def forward(self, kinds: Tensor, f1: Tensor, x: Tensor) -> Fibers:
        f0 = self.embed(kinds)[..., None]
        f2 = f0.new_zeros(len(x), CHANNELS, 5)
        for layer in self.layers:
            f0, f1, f2 = layer(f0, f1, f2, x)
        return {"0": f0, "1": f1, "2": f2}


def network(defect: str, depth: int) -> Example:
    layer = Contract({"f0": "0e", "f1": "1o", "f2": "2e", "x": "cartesian_points"}, ("0e", "1o", "2e"))
    return Example(
        TFN(defect, depth), (torch.randn(NODES, 3), torch.randn(NODES, CHANNELS, 3), torch.randn(NODES, 3)),
        (None, "1o", "cartesian_points"), DEGREES, {f"layers.{i}": layer for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("tfn-self-edges", "frame-dependent", "rotation", ("inversion",), ("kernel", ""),
             "FabianFuchsML/se3-transformer-public#3"),
    Planting("tfn-axis-order", ("wrong-irrep", "component-mixing"), "rotation", (), ("kernel", ""), "e3nn/e3nn#195"),
    Planting("tfn-absolute-harmonics", "absolute-position", "translation", (), ("kernel", "")),
    Planting("tfn-odd-path", "wrong-irrep", "inversion", origin="chaitjo/geometric-gnn-dojo#15"),
    Planting("tfn-degree-two-as-vector", ("wrong-irrep", "component-mixing"), "rotation", ("inversion",)),
    Planting("tfn-bias-on-all-degrees", "component-mixing", "rotation", ("inversion",), origin="QUVA-Lab/e2cnn#13"),
    Planting("tfn-layernorm-on-fibers", "component-mixing", "rotation", (),
             origin="pengxingang/Pocket2Mol#16"),
)  # fmt: skip
CASES = planted("tfn", network, PLANTINGS, ("e3", "permutation"))
