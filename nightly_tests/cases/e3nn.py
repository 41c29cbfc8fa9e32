"""e3nn: every kind of module of ``o3`` and ``nn``, and its models. Nothing is declared."""

from __future__ import annotations

import torch
from e3nn import nn, o3
from e3nn.nn.models.gate_points_2101 import Network
from e3nn.nn.models.v2106.gate_points_networks import NetworkForAGraphWithAttributes, SimpleNetwork

import equivariance as eq
from nightly_tests.cases.clouds import cloud

MIXED = "2x0e+1x0o+1x1o+1x1e+1x2e"


def features(irreps: object, rows: int = 6, seed: int = 0) -> torch.Tensor:
    """Irreps [N, dim]."""
    return torch.randn(rows, o3.Irreps(irreps).dim, generator=torch.Generator().manual_seed(seed))


def one(module: torch.nn.Module, group: object = "o3") -> eq.Report:
    """A module of one or two inputs that it states."""
    names = [n for n in ("irreps_in", "irreps") if hasattr(module, n)][:1] or ["irreps_in1", "irreps_in2"]
    inputs = tuple(features(getattr(module, name), seed=i) for i, name in enumerate(names))
    return eq.diagnose(module, inputs, group=group, samples=4)


def simple() -> eq.Report:
    """Fields of a dict: ``x`` by the irreps that the network states, ``pos`` by its name."""
    network = SimpleNetwork("2x0e", "1x0e+1x1o", max_radius=3.0, num_neighbors=4.0, num_nodes=6.0, mul=4, layers=2)
    return eq.diagnose(network, {"pos": cloud(), "x": torch.randn(6, 2)}, group="e3", samples=4)


def attributes() -> eq.Report:
    """With attributes of nodes and edges."""
    network = NetworkForAGraphWithAttributes(
        "3x0e+2x1o", "4x0e+1x1o", "1x1e", "3x0o+1x1e", max_radius=3.0, num_neighbors=4.0, num_nodes=6.0, mul=4, layers=2
    )
    source, target = (1 - torch.eye(6)).nonzero().T
    data = {"pos": cloud(), "edge_index": torch.stack([source, target]), "node_input": features("3x0e+2x1o"),
            "node_attr": features("4x0e+1x1o"), "edge_attr": features("1x1e", 30)}  # fmt: skip
    return eq.diagnose(network, (data,), group="e3", samples=4)


def gated() -> eq.Report:
    """The network of 2101, with node attributes ``z``."""
    network = Network(
        "3x0e+2x1o", "4x0e+2x1o+2x1e", "1x0e+1x1o", "2x0e", o3.Irreps.spherical_harmonics(2), layers=2, max_radius=3.0,
        number_of_basis=4, radial_layers=1, radial_neurons=8, num_neighbors=4.0, num_nodes=6.0,
    )  # fmt: skip
    data = {"pos": cloud(), "x": features("3x0e+2x1o"), "z": features("2x0e")}
    return eq.diagnose(network, (data,), group="e3", samples=4)


CASES = {
    "o3.Linear": lambda: one(o3.Linear(MIXED, MIXED)),
    "o3.FullyConnectedTensorProduct": lambda: one(o3.FullyConnectedTensorProduct(MIXED, "1x0e+1x1o+1x2e", MIXED)),
    "o3.FullTensorProduct": lambda: one(o3.FullTensorProduct(MIXED, "1x1o")),
    "o3.ElementwiseTensorProduct": lambda: one(o3.ElementwiseTensorProduct("2x0e+2x1o", "2x0e+2x1o")),
    "o3.TensorSquare": lambda: one(o3.TensorSquare("2x0e+1x1o")),
    "o3.Norm": lambda: one(o3.Norm(MIXED)),
    "o3.SphericalHarmonics": lambda: one(o3.SphericalHarmonics([0, 1, 2, 3], True)),
    "nn.Gate": lambda: one(nn.Gate("4x0e", [torch.tanh], "2x0e+1x0o", [torch.sigmoid, torch.tanh], "2x1o+1x1e")),
    "nn.Activation": lambda: one(nn.Activation("2x0e+1x0o+1x1o", [torch.relu, torch.tanh, None])),
    "nn.NormActivation": lambda: one(nn.NormActivation(o3.Irreps(MIXED), torch.sigmoid, bias=True)),
    "nn.BatchNorm": lambda: one(nn.BatchNorm(MIXED)),
    "nn.Dropout": lambda: one(nn.Dropout(MIXED, 0.5)),
    "nn.Extract": lambda: one(nn.Extract(MIXED, ["2x0e", "1x1o"], [(0,), (2,)])),
    "nn.FullyConnectedNet": lambda: eq.diagnose(nn.FullyConnectedNet([4, 8, 3], torch.tanh), torch.randn(6, 4)),
    "nn.S2Activation": lambda: one(nn.S2Activation(o3.Irreps("1x0e+1x1o+1x2e"), torch.tanh, 40)),
    "nn.models SimpleNetwork": simple,
    "nn.models NetworkForAGraphWithAttributes": attributes,
    "nn.models gate_points_2101": gated,
}
