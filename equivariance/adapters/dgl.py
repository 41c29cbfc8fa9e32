"""The adapter to DGL graphs: node fields follow the nodes, edge fields their edges, and node numbers are renumbered.

Called through `contracts.adapter_registry`. The module accepts homogeneous graphs only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import dgl
import torch

from equivariance.contracts.adapter_registry import Counts
from equivariance.contracts.assumption import Assumption
from equivariance.contracts.assumptions import proposal
from equivariance.contracts.nested import GraphFields, walk
from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import Assumed, Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.sizes import SampleSizes
from equivariance.representations.standard import Invariant, NodeIndices

TYPES: tuple[type[Any], ...] = (dgl.DGLGraph,)
_STRUCTURE = Invariant(nodes=None, batch=None)


class DGLAdapter:
    """Walks and transforms homogeneous DGL graphs. A new graph is built; the given one never changes."""

    takes = "GraphFields(ndata=..., edata=...) for a graph"

    def fits(self, spec: object) -> bool:
        """True for fields of nodes and edges, or for `Invariant` (all fields)."""
        return isinstance(spec, (GraphFields, Invariant, Mapping))

    def walk(self, graph: dgl.DGLGraph, spec: Any, path: str, visit: Callable[..., torch.Tensor]) -> dgl.DGLGraph:
        """Visits source and target numbers, then every node field and every edge field."""
        source, target = graph.edges()
        source = visit(source, _STRUCTURE, f"{path}.edges[0]")
        target = visit(target, _STRUCTURE, f"{path}.edges[1]")
        result = _build_graph(source, target, graph.batch_num_nodes(), graph.batch_num_edges())
        for kind, old, new in (("ndata", graph.ndata, result.ndata), ("edata", graph.edata, result.edata)):
            for name, field in old.items():
                where = f"{path}.{kind}[{name!r}]"
                new[name] = walk(field, _field_spec(spec, kind, name), where, visit)
        return result

    def transform(self, graph: dgl.DGLGraph, spec: Any, element: Transform) -> dgl.DGLGraph:
        """Rotates, translates and reorders the fields, renumbers the nodes and selects the samples."""
        permuted = getattr(spec, "permuted", True)
        bare = replace(element, samples=None, origin="")
        if not permuted:
            bare = replace(bare, order=None, sizes=None, edges=None)
        if bare.order is not None:
            _check_order(graph, bare)
        moved = self.walk(graph, spec, "graph", lambda t, r, _: r.transform(t, bare))
        if bare.order is not None or bare.edges is not None:
            moved = _renumber(moved, bare)
        return moved if element.samples is None else _select_samples(moved, element)

    def sizes(self, graph: dgl.DGLGraph) -> tuple[Counts, Counts]:
        """Returns the number of nodes and of edges of each graph in the batch."""
        return tuple(graph.batch_num_nodes().tolist()), tuple(graph.batch_num_edges().tolist())

    def assume(self, graph: dgl.DGLGraph, path: tuple[str | int, ...]) -> Iterator[Assumption]:
        """Yields assumptions from the names and shapes of fields. The structure needs no assumption."""
        for kind, fields in (("ndata", graph.ndata), ("edata", graph.edata)):
            for name, field in fields.items():
                yield proposal(name, field, SampleSizes(), (*path, kind, name)).with_axes_read_off()

    def group(self, graph: dgl.DGLGraph) -> object:
        """Returns None: a graph names no group."""
        return None


ADAPTER = DGLAdapter()


def _field_spec(spec: Any, kind: str, name: str) -> object:
    """Returns the representation of a field, with the axis of the nodes or of the edges."""
    fields = spec.get(kind, {}) if isinstance(spec, Mapping) else getattr(spec, kind, None)
    found = spec if fields is None else fields.get(name)
    if isinstance(found, Representation) and isinstance(found.nodes, Assumed):
        of_nodes = kind == "ndata"
        return replace(found, nodes=0 if of_nodes else None, batch=Concatenated(0), edges=None if of_nodes else 0)
    return found


def _build_graph(source: torch.Tensor, target: torch.Tensor, nodes: torch.Tensor, edges: torch.Tensor) -> dgl.DGLGraph:
    """Returns a batched graph without fields."""
    graph = dgl.graph((source, target), num_nodes=int(nodes.sum()))
    graph.set_batch_num_nodes(nodes)
    graph.set_batch_num_edges(edges)
    return graph


def _check_order(graph: dgl.DGLGraph, element: Transform) -> None:
    """Rejects a permutation unless it is one for graphs of these sizes."""
    sizes, size = tuple(graph.batch_num_nodes().tolist()), len(element.order or ())
    if sizes != (element.sizes or (size,) * len(sizes)):
        expected = f"one for graphs of {sizes} nodes"
        raise ArgumentError("order", f"a permutation of {element.sizes or size} nodes", expected)


def _renumber(graph: dgl.DGLGraph, element: Transform) -> dgl.DGLGraph:
    """Returns the same fields on a graph whose nodes are renumbered and whose edges are reordered."""
    sizes = tuple(graph.batch_num_nodes().tolist())
    numbers = NodeIndices(nodes=None, batch=None, per_sample=sizes, edges=0)
    source, target = (numbers.transform(ends, element) for ends in graph.edges())
    result = _build_graph(source, target, graph.batch_num_nodes(), graph.batch_num_edges())
    result.ndata.update(graph.ndata)
    result.edata.update(graph.edata)
    return result


def _select_samples(graph: dgl.DGLGraph, element: Transform) -> dgl.DGLGraph:
    """Returns a batch of the selected graphs."""
    parts = dgl.unbatch(graph)
    if len(parts) != element.of:
        raise ArgumentError("samples", f"one of {element.of} samples", f"one of {len(parts)}, the graphs in the batch")
    return dgl.batch([parts[i] for i in element.samples or ()])
