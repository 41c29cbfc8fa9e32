"""Declares the representations of the layers of the published network. Some layers violate them.

Nodes of all samples lie on one axis, and so do edges. Permutations reorder the nodes of the first level; they leave the
order of the edges and the order of the pooled nodes alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from dgl import DGLGraph
from torch import nn

from equivariance import CartesianPoints, Concatenated, Contract, GraphFields, Invariant, NodeIndices, Representation
from se3unet.contracts import Level
from se3unet.layers.dense.kernel import RelativePositions, TFNLinear
from se3unet.layers.fibers import Fibers
from se3unet.layers.interaction import AttentiveSelfInteraction, ConcatenateSkip, SelfInteraction
from se3unet.layers.norms import NormBias
from se3unet.published.geometry import MAX_DEGREE, Geometry
from se3unet.published.graphs import RelativeVectors
from se3unet.published.transformer import COORDINATES, HIDDEN, AttentionBlock, EdgeAttention, SE3Transformer
from se3unet.published.unet import PublishedUnet

_PAIRS = [(i, o) for i in range(MAX_DEGREE + 1) for o in range(MAX_DEGREE + 1)]


@dataclass(frozen=True)
class Layout:
    """Sizes of one level: nodes per sample, edges of each sample, and whether permutations reorder its nodes."""

    points: int
    edges: tuple[int, ...]
    permuted: bool

    @property
    def node(self) -> Level:
        """Returns the axes of node features."""
        return Level(nodes=0 if self.permuted else None, batch=Concatenated(0))

    @property
    def edge(self) -> Level:
        """Returns the axes of edge features."""
        return Level(nodes=None, batch=Concatenated(0, self.edges))

    def numbers(self) -> Representation:
        """Returns the representation of node numbers on the edges."""
        return NodeIndices(nodes=None, batch=self.edge.batch, permuted=self.permuted, per_sample=self.points)

    def structure(self) -> GraphFields:
        """Returns the representation of a graph without fields."""
        return GraphFields({}, {}, permuted=self.permuted)

    def geometry(self) -> dict[str, object]:
        """Returns the representations of a `se3unet.published.graphs.Edges`."""
        edge = self.edge
        return {
            "structure": self.structure(),
            "relative": edge.vectors(),
            "invariants": edge.scalars(),
            "basis": edge.basis(_PAIRS),
        }


def graph_fields() -> GraphFields:
    """Returns the representation of the input graph."""
    return GraphFields(ndata={"x": "cartesian_points"}, edata={"d": "1x1e", "w": None})


def logits() -> Representation:
    """Returns the representation of the output, [B, N, 68]."""
    return Invariant(nodes=1, batch=0)


def published_contracts(model: PublishedUnet, graph: DGLGraph) -> dict[str, Contract]:
    """Returns the contract of every layer, by path, for batches like `graph`. One run gives the sizes of samples."""
    fine, coarse = _layouts(model, graph)
    found = _stage_contracts(fine, coarse)
    for name, layer in model.named_modules():
        rule = _RULES.get(type(layer))
        if rule is not None:
            is_coarse = name.startswith(("bottleneck", "geometry.1", "relative.1"))
            found[name] = rule(layer, coarse if is_coarse else fine)
    return found


def _layouts(model: PublishedUnet, graph: DGLGraph) -> tuple[Layout, Layout]:
    points = graph.num_nodes() // graph.batch_size
    clouds = graph.ndata["x"].view(graph.batch_size, points, 3)
    constant: Fibers = {1: torch.zeros(graph.num_nodes(), 1, 3, dtype=clouds.dtype)}
    with torch.no_grad():
        structure = model.pool(constant, clouds, graph.local_var()).structure
    fine = Layout(points, tuple(graph.batch_num_edges().tolist()), permuted=True)
    pooled = structure.num_nodes() // graph.batch_size
    return fine, Layout(pooled, tuple(structure.batch_num_edges().tolist()), permuted=False)


def _stage_contracts(fine: Layout, coarse: Layout) -> dict[str, Contract]:
    """Returns the contracts of the layers that occur once."""
    vector, cloud = fine.node.fibers(COORDINATES), Level(nodes=1, batch=0)
    picks = NodeIndices(nodes=None, batch=Concatenated(0), per_sample=fine.points)
    in_sample = NodeIndices(nodes=None, batch=0)
    points, lengths, numbers = CartesianPoints(nodes=0, batch=Concatenated(0)), fine.edge.scalars(), fine.numbers()
    pooled = {
        "features": coarse.node.fibers(COORDINATES),
        "aggregated": vector,
        "picks": picks,
        "structure": coarse.structure(),
        "vectors": coarse.edge.vectors(),
    }
    known = {"known": fine.node.scalars(), "sources": numbers, "targets": numbers}
    ends = {"sources": coarse.numbers(), "targets": coarse.numbers()}
    upsampled = {"features": coarse.node.fibers(COORDINATES), "picks": picks, "lengths": lengths}
    return {
        "coordinates": Contract({"positions": points}, vector),
        "pool": Contract({"features": vector, "positions": cloud.points(), "structure": fine.structure()}, pooled),
        "pool.start": Contract({"positions": cloud.points()}, in_sample),
        "pool.select": Contract({"positions": cloud.points(), "starts": in_sample}, in_sample),
        "pool.aggregate": Contract({"features": vector, "structure": fine.structure()}, vector),
        "pool.edges": Contract({"positions": points, **ends}, coarse.edge.vectors()),
        "upsample": Contract({**upsampled, "structure": fine.structure()}, vector),
        "upsample.mask": Contract({"features": vector}, fine.node.scalars()),
        "upsample.neighbours": Contract(known, lengths),
        "upsample.weights": Contract({"lengths": lengths, "sources": numbers}, lengths),
        "residual": Contract({"outputs": vector, "inputs": vector}, vector),
        "head": Contract({"features": vector}, fine.node.scalars()),
        "rewrite": Contract({"graph": graph_fields()}, None),
    }


def _same_fibers(layer: Any, at: Layout) -> Contract:
    return Contract({"features": at.node.fibers(layer.irreps_in)}, at.node.fibers(layer.irreps_out))


def _message_passing(layer: Any, at: Layout) -> Contract:
    inputs = {"features": at.node.fibers(layer.irreps_in), "edges": at.geometry()}
    return Contract(inputs, at.node.fibers(layer.irreps_out))


def _linear(layer: Any, at: Layout) -> Contract:
    edge = at.edge
    inputs = {"features": edge.fibers(layer.irreps_in), "invariants": edge.scalars(), "basis": edge.basis(_PAIRS)}
    return Contract(inputs, edge.fibers(layer.irreps_out))


def _relative(layer: Any, at: Layout) -> Contract:
    inputs = {"features": at.edge.fibers(layer.irreps_in), "vectors": at.edge.vectors()}
    return Contract(inputs, at.edge.fibers(layer.irreps_out))


def _skip(layer: Any, at: Layout) -> Contract:
    outputs, inputs = (at.node.fibers(irreps) for irreps in layer.irreps_in)
    return Contract({"outputs": outputs, "inputs": inputs}, at.node.fibers(layer.irreps_out))


def _attention(layer: Any, at: Layout) -> Contract:
    edge, node = at.edge.fibers(HIDDEN), at.node.fibers(HIDDEN)
    return Contract({"values": edge, "keys": edge, "queries": node, "structure": at.structure()}, node)


def _geometry(layer: Any, at: Layout) -> Contract:
    return Contract({"vectors": at.edge.vectors()}, (at.edge.scalars(), at.edge.basis(_PAIRS)))


def _vectors(layer: Any, at: Layout) -> Contract:
    ends = {"sources": at.numbers(), "targets": at.numbers()}
    return Contract({"positions": at.node.points(), **ends}, at.edge.vectors())


_RULES: dict[type[nn.Module], Callable[[Any, Layout], Contract]] = {
    AttentionBlock: _message_passing,
    AttentiveSelfInteraction: _same_fibers,
    ConcatenateSkip: _skip,
    EdgeAttention: _attention,
    Geometry: _geometry,
    NormBias: _same_fibers,
    RelativePositions: _relative,
    RelativeVectors: _vectors,
    SE3Transformer: _message_passing,
    SelfInteraction: _same_fibers,
    TFNLinear: _linear,
}
