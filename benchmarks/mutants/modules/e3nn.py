"""e3nn: modules of `nn` and `o3`, and its models. The files that the harness itself runs are not changed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from e3nn import nn as layers
from e3nn import o3
from e3nn.nn.models.gate_points_2101 import Network
from e3nn.nn.models.v2106.gate_points_networks import NetworkForAGraphWithAttributes, SimpleNetwork
from torch import Tensor, nn

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

MIXED, WIDTH = "2x0e+2x0o+2x1o+1x1e+1x2e", 18
GIVEN, SQUARE = "2x0e+2x1o", "2x0e+1x1e+1x2e"
MOVED = ("translation", "rotation", "inversion", "permutation")
TURNED = ("rotation", "inversion", "permutation")


def first(found: object) -> tuple[Tensor, ...]:
    """Returns the result; `Extract` returns a tuple."""
    return tuple(found) if isinstance(found, tuple) else (found,)  # type: ignore[return-value]


def alone(make: Callable[[], nn.Module], given: str = MIXED, out: str = MIXED) -> Example:
    """A layer on irreps."""
    x = clouds.normal(8, o3.Irreps(given).dim)
    return Example(make, {"x": x}, {"x": Law(given, nodes=0)}, (Law(out, nodes=0),), unpack=first, symmetries=TURNED,
                   components=(3, WIDTH, x.shape[1]))  # fmt: skip


class Given(nn.Module):
    """Makes the dictionary that the models of e3nn want."""

    def __init__(self, network: nn.Module) -> None:
        """Keep the network."""
        super().__init__()
        self.network = network

    def forward(self, pos: Tensor, **more: Tensor) -> Tensor:
        """Returns the network's result."""
        return self.network({"pos": pos, **more})


def model(make: Callable[[], nn.Module], out: Law, **irreps: str) -> Example:
    """A model on a cloud of eight points; the irreps are those of further inputs."""
    more = {name: clouds.normal(8, o3.Irreps(given).dim, seed=i) for i, (name, given) in enumerate(irreps.items())}
    laws = {name: Law(given, nodes=0) for name, given in irreps.items()}
    return Example(
        lambda: Given(make()), {"pos": clouds.normal(8, 3), **more}, {"pos": clouds.POINTS, **laws}, (out,),
        keywords=tuple(more), symmetries=MOVED, components=(3, 9, *(t.shape[1] for t in more.values())),
        modes=("eval",),
    )  # fmt: skip


SIZES = {"max_radius": 3.0, "num_neighbors": 4.0, "num_nodes": 8.0}


def attributes() -> nn.Module:
    """Returns a network that makes its edges of the positions."""
    return Network(
        "3x0e+2x1o", "4x0e+2x1o+2x1e", "1x0e+1x1o", "2x0e", o3.Irreps.spherical_harmonics(2), layers=2,
        number_of_basis=4, radial_layers=1, radial_neurons=8, **SIZES,
    )  # fmt: skip


def graph() -> Example:
    """With attributes of nodes and edges."""
    tensors = {"pos": clouds.normal(8, 3), "edge_index": clouds.pairs((8,)), "node_input": clouds.normal(8, 9, seed=1),
               "node_attr": clouds.normal(8, 4, seed=2), "edge_attr": clouds.normal(56, 4, seed=3)}  # fmt: skip
    laws = {"pos": clouds.POINTS, "edge_index": clouds.EDGES, "node_input": Law("3x0e+2x1o", nodes=0),
            "node_attr": clouds.FEATURES, "edge_attr": clouds.OF_EDGES}  # fmt: skip
    return Example(
        lambda: NetworkForAGraphWithAttributes(
            "3x0e+2x1o", "4x0e", "4x0e", "3x0e+1x1o", mul=4, layers=2, lmax=1, pool_nodes=False, **SIZES
        ),
        tensors, laws, (Law("3x0e+1x1o", nodes=0),), pack=lambda given: (given,), symmetries=(*MOVED, "edges"),
        components=(3, 4, 9), modes=("eval",),
    )  # fmt: skip


def gate() -> nn.Module:
    """Returns scalars and gated vectors."""
    return layers.Gate("4x0e", [torch.tanh], "2x0e+1x0o", [torch.sigmoid, torch.tanh], "2x1o+1x1e")


MODULES = {
    "Linear": lambda: alone(lambda: o3.Linear(MIXED, MIXED)),
    "Norm": lambda: alone(lambda: o3.Norm(MIXED), out="8x0e"),
    "TensorSquare": lambda: alone(lambda: o3.TensorSquare(GIVEN, SQUARE), GIVEN, SQUARE),
    "Gate": lambda: alone(gate, "1x0o+6x0e+2x1o+1x1e", "4x0e+2x1o+1x1o"),
    "NormActivation": lambda: alone(lambda: layers.NormActivation(o3.Irreps(MIXED), torch.sigmoid, bias=True)),
    "BatchNorm": lambda: alone(lambda: layers.BatchNorm(MIXED)),
    "Activation": lambda: alone(lambda: layers.Activation("2x0e+2x0o+2x1o", [torch.relu, torch.tanh, None]),
                                "2x0e+2x0o+2x1o", "2x0e+2x0o+2x1o"),
    "Extract": lambda: alone(lambda: layers.Extract(MIXED, ["2x0e+2x1o"], [(0, 2)]), out="2x0e+2x1o"),
    "SimpleNetwork": lambda: model(
        lambda: SimpleNetwork("2x0e", "1x0e+1x1o", mul=4, layers=2, **SIZES), Law("1x0e+1x1o"), x="2x0e"
    ),
    "gate_points_2101": lambda: model(attributes, Law("1x0e+1x1o"), x="3x0e+2x1o", z="2x0e"),
    "NetworkForAGraphWithAttributes": graph,
}  # fmt: skip
