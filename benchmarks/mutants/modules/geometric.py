"""torch_geometric: potentials, convolutions that take positions, and convolutions and normalizations on graphs."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch_geometric import nn as pyg
from torch_geometric.nn.models import schnet, visnet

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds
from nightly_tests.cases.clouds import radius_graph

schnet.radius_graph = visnet.radius_graph = radius_graph
VISNET = {"hidden_channels": 8, "num_heads": 2, "num_layers": 2, "num_rbf": 6, "cutoff": 10.0}
GRAPH = ("permutation", "edges", "batch")


def potential(make: Callable[[], nn.Module]) -> Example:
    """Energies of two molecules of five and six atoms."""
    tensors = {"z": clouds.kinds(11, most=8) + 1, "pos": clouds.normal(11, 3, scale=1.5),
               "batch": clouds.batch_of((5, 6))}  # fmt: skip
    laws = {"z": clouds.FEATURES, "pos": clouds.POINTS, "batch": clouds.BATCH}
    return Example(make, tensors, laws, (clouds.PER_SAMPLE,), unpack=energies)


def energies(found: object) -> tuple[Tensor, ...]:
    """Returns the energies alone; ViSNet returns None beside them."""
    return (found[0],) if isinstance(found, tuple) else (found,)  # type: ignore[return-value]


class Cloud(nn.Module):
    """Two convolutions that take positions, of nodes whose features are scalars."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        """Keep both."""
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor, pos: Tensor, edge_index: Tensor) -> Tensor:
        """Returns features [N, C]."""
        return self.second(self.first(x, pos, edge_index).relu(), pos, edge_index)


def cloud(make: Callable[[int], nn.Module], symmetries: tuple[str, ...]) -> Example:
    """Features of the nodes of two clouds."""
    tensors = {"x": clouds.normal(11, 4), "pos": clouds.normal(11, 3, seed=1), "edge_index": clouds.pairs((5, 6))}
    laws = {"x": clouds.FEATURES, "pos": clouds.POINTS, "edge_index": clouds.EDGES}
    return Example(lambda: Cloud(make(4), make(6)), tensors, laws, (clouds.FEATURES,), symmetries=symmetries)


def pairs_of_points() -> Example:
    """`PPFConv` on a cloud with normals."""
    normals = nn.functional.normalize(clouds.normal(8, 3, seed=2), dim=-1)
    tensors = {"x": clouds.normal(8, 4), "pos": clouds.normal(8, 3, seed=1), "normal": normals,
               "edge_index": clouds.pairs((8,))}  # fmt: skip
    laws = {"x": clouds.FEATURES, "pos": clouds.POINTS, "normal": clouds.VECTORS, "edge_index": clouds.EDGES}
    return Example(
        lambda: pyg.PPFConv(nn.Sequential(nn.Linear(8, 6), nn.Tanh()), nn.Linear(6, 5)), tensors, laws,
        (clouds.FEATURES,), symmetries=("translation", "rotation", "inversion", "permutation", "edges"),
    )  # fmt: skip


class Graph(nn.Module):
    """Two convolutions, a normalization between them, and a mean over each graph."""

    def __init__(self, first: nn.Module, norm: nn.Module, second: nn.Module, pool: Callable[..., Tensor]) -> None:
        """Keep all."""
        super().__init__()
        self.first, self.norm, self.second, self.pool = first, norm, second, pool

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        """Returns features [graphs, C]."""
        hidden = self.norm(self.first(x, edge_index).tanh(), batch)
        return self.pool(self.second(hidden, edge_index), batch)


def graph(make: Callable[[int], nn.Module], norm: Callable[[], nn.Module], pool: Callable[..., Tensor]) -> Example:
    """Features of two graphs."""
    tensors = {"x": clouds.normal(11, 4), "edge_index": clouds.pairs((5, 6)), "batch": clouds.batch_of((5, 6))}
    laws = {"x": clouds.FEATURES, "edge_index": clouds.EDGES, "batch": clouds.BATCH}
    return Example(
        lambda: Graph(make(4), norm(), make(8), pool), tensors, laws, (clouds.PER_SAMPLE,), symmetries=GRAPH,
    )  # fmt: skip


def transformer() -> Example:
    """`GPSConv`: a convolution beside attention within each graph."""
    tensors = {"x": clouds.normal(11, 8), "edge_index": clouds.pairs((5, 6)), "batch": clouds.batch_of((5, 6))}
    laws = {"x": clouds.FEATURES, "edge_index": clouds.EDGES, "batch": clouds.BATCH}
    return Example(
        lambda: pyg.GPSConv(8, pyg.GCNConv(8, 8), heads=2, norm="layer_norm"), tensors, laws, (Law(nodes=0),),
        symmetries=GRAPH,
    )  # fmt: skip


SCHNET = {"hidden_channels": 8, "num_filters": 8, "num_interactions": 2, "num_gaussians": 6}
MOVED = ("translation", "permutation", "edges")
MODULES = {
    "SchNet": lambda: potential(lambda: pyg.SchNet(**SCHNET)),
    "SchNet, mean": lambda: potential(lambda: pyg.SchNet(**SCHNET, readout="mean")),
    "ViSNet(lmax=1)": lambda: potential(lambda: visnet.ViSNet(lmax=1, **VISNET)),
    "ViSNet(lmax=2)": lambda: potential(lambda: visnet.ViSNet(lmax=2, vecnorm_type="max_min", **VISNET)),
    "ViSNet(vertex=True)": lambda: potential(lambda: visnet.ViSNet(lmax=1, vertex=True, **VISNET)),
    "PPFConv": pairs_of_points,
    "PointTransformerConv": lambda: cloud(lambda size: pyg.PointTransformerConv(size, 6), MOVED),
    "PointNetConv": lambda: cloud(lambda size: pyg.PointNetConv(nn.Linear(size + 3, 6)), MOVED),
    "GATv2Conv, GraphNorm": lambda: graph(
        lambda size: pyg.GATv2Conv(size, 4, heads=2), lambda: pyg.GraphNorm(8), pyg.global_mean_pool
    ),
    "TransformerConv, LayerNorm": lambda: graph(
        lambda size: pyg.TransformerConv(size, 4, heads=2), lambda: pyg.LayerNorm(8), pyg.global_add_pool
    ),
    "GINConv, InstanceNorm": lambda: graph(
        lambda size: pyg.GINConv(nn.Sequential(nn.Linear(size, 8), nn.Tanh()), train_eps=True),
        lambda: pyg.InstanceNorm(8), pyg.global_max_pool,
    ),
    "GCNConv, PairNorm": lambda: graph(
        lambda size: pyg.GCNConv(size, 8), pyg.PairNorm, pyg.SoftmaxAggregation(learn=True)
    ),
    "GPSConv": transformer,
}  # fmt: skip
