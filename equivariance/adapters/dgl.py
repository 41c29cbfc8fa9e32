"""DGL graphs: node fields follow the nodes, edge fields their edges, node numbers are renumbered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dgl
import torch

from equivariance.axes import Assumed
from equivariance.elements import Transform
from equivariance.errors import ArgumentError
from equivariance.representations import Invariant, Representation

TYPES = (dgl.DGLGraph,)
_STRUCTURE = Invariant(nodes=None, batch=None)


class DGLAdapter:
    """Looks into homogeneous DGL graphs; a new graph is built, the given one is never written to."""

    def walk(self, graph: dgl.DGLGraph, spec: Any, path: str, visit: Callable[..., torch.Tensor]) -> dgl.DGLGraph:
        """Visit source and target numbers, then every node field and every edge field."""
        from equivariance.trees import walk

        source, target = graph.edges()
        source = visit(source, _STRUCTURE, f"{path}.edges[0]")
        target = visit(target, _STRUCTURE, f"{path}.edges[1]")
        result = _graph(source, target, graph.batch_num_nodes(), graph.batch_num_edges())
        for kind, old, new in (("ndata", graph.ndata, result.ndata), ("edata", graph.edata, result.edata)):
            for name, field in old.items():
                where = f"{path}.{kind}[{name!r}]"
                new[name] = walk(field, _field_spec(spec, kind, name), where, visit)
        return result

    def transform(self, graph: dgl.DGLGraph, spec: Any, element: Transform) -> dgl.DGLGraph:
        """Rotate and translate the fields, renumber the nodes, select the samples."""
        bare = replace(element, order=None, samples=None, origin="")
        moved = self.walk(graph, spec, "graph", lambda t, r, _: r.transform(t, bare))
        if element.order is not None and getattr(spec, "permuted", True):
            moved = _renumbered(moved, element.order)
        return moved if element.samples is None else _selected(moved, element)

    def sizes(self, graph: dgl.DGLGraph) -> tuple[int, int]:
        """Nodes of the first graph in the batch, and graphs."""
        return int(graph.batch_num_nodes()[0]), int(graph.batch_size)


ADAPTER = DGLAdapter()


def _field_spec(spec: Any, kind: str, name: str) -> object:
    """A field's representation; its rows follow the graph, so no axis needs to be declared."""
    if spec is None or isinstance(spec, Invariant) or not hasattr(spec, kind):
        return spec
    found = getattr(spec, kind).get(name)
    if isinstance(found, Representation) and isinstance(found.nodes, Assumed):
        return replace(found, nodes=0, batch=0)
    return found


def _graph(
    source: torch.Tensor, target: torch.Tensor, nodes: torch.Tensor, edges: torch.Tensor
) -> dgl.DGLGraph:
    graph = dgl.graph((source, target), num_nodes=int(nodes.sum()))
    graph.set_batch_num_nodes(nodes)
    graph.set_batch_num_edges(edges)
    return graph


def _renumbered(graph: dgl.DGLGraph, order: tuple[int, ...]) -> dgl.DGLGraph:
    size, total = len(order), graph.num_nodes()
    if total % size:
        raise ArgumentError("order", f"a permutation of {size} nodes", f"a divisor of the graph's {total} nodes")
    index = torch.tensor(order, device=graph.device)
    index = (torch.arange(0, total, size, device=graph.device)[:, None] + index).flatten()
    number = torch.empty_like(index)
    number[index] = torch.arange(total, device=graph.device)
    source, target = graph.edges()
    dtype = source.dtype
    result = _graph(
        number[source.long()].to(dtype), number[target.long()].to(dtype), graph.batch_num_nodes(), graph.batch_num_edges()
    )
    for name, field in graph.ndata.items():
        result.ndata[name] = field[index]
    for name, field in graph.edata.items():
        result.edata[name] = field
    return result


def _selected(graph: dgl.DGLGraph, element: Transform) -> dgl.DGLGraph:
    nodes, edges = graph.batch_num_nodes().tolist(), graph.batch_num_edges().tolist()
    if len(nodes) != element.of:
        raise ArgumentError("samples", f"one of {element.of} samples", f"one of {len(nodes)}, the graphs in the batch")
    parts = dgl.unbatch(graph)
    return dgl.batch([parts[i] for i in element.samples or ()])
