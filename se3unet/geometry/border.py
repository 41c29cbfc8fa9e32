"""Converts graphs from and to DGL. DGL is imported when one of the functions is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from se3unet.geometry.graph import Graph, connect

if TYPE_CHECKING:
    from dgl import DGLGraph

POSITIONS = "x"
VECTORS = "d"


def from_dgl(graph: DGLGraph) -> Graph:
    """Converts a (batched) DGL graph.

    Args:
        graph: Node field "x" [n, 3] holds the positions. Every sample of the batch has the same number of nodes, every
            node the same number of incoming edges. Other fields are ignored; edge vectors follow from the positions.

    Returns:
        The dense graph. Edges at each node are nearest first, at equal distances in the order of the DGL graph.

    Raises:
        ValueError: If the argument is no DGL graph, the positions are missing or of another shape, or samples differ in
            size or nodes in degree.
    """
    if type(graph).__name__ != "DGLGraph":
        raise ValueError(f"graph: expected a DGL graph, got {type(graph).__name__}")
    if POSITIONS not in graph.ndata:
        raise ValueError(f"graph: expected positions in ndata[{POSITIONS!r}], got fields {sorted(graph.ndata)}")
    positions, samples = graph.ndata[POSITIONS], graph.batch_size
    sizes = graph.batch_num_nodes().unique()
    if len(sizes) != 1 or sizes[0] == 0:
        raise ValueError(f"graph: expected samples with one and the same number of nodes, got {sizes.tolist()}")
    degrees = graph.in_degrees().unique()
    if len(degrees) != 1 or degrees[0] == 0:
        raise ValueError(f"graph: expected one and the same number of edges into every node, got {degrees.tolist()}")
    sources, targets = graph.edges()
    by_target = sources.long()[targets.argsort(stable=True)]
    shape = samples, int(sizes[0])
    neighbours = by_target.view(*shape, -1) - shape[1] * _sample_numbers(samples, positions)
    if list(positions.shape[1:]) != [3]:
        raise ValueError(f"graph: expected positions of shape [n, 3], got {list(positions.shape)}")
    batch = positions.view(*shape, 3)
    lengths = connect(batch, neighbours).distances
    return connect(batch, neighbours.gather(-1, lengths.argsort(dim=-1, stable=True)))


def to_dgl(graph: Graph) -> DGLGraph:
    """Converts to a batched DGL graph of B samples.

    Returns:
        A graph with node field "x" [B N, 3] (positions) and edge field "d" [B N k, 3] (x_target - x_source); the edges
        into node 0 come first, nearest first.

    Raises:
        ImportError: If DGL is not installed.
        ValueError: If the argument is no `Graph`.
    """
    if not isinstance(graph, Graph):
        raise ValueError(f"graph: expected a se3unet.Graph, got {type(graph).__name__}")
    try:
        import dgl
    except ImportError as error:
        raise ImportError("to_dgl needs DGL: pip install 'equivariance[dgl]'") from error
    samples, nodes, count = graph.neighbours.shape
    sources = graph.neighbours + nodes * _sample_numbers(samples, graph.neighbours)
    targets = torch.arange(samples * nodes, device=sources.device).repeat_interleave(count)
    result = dgl.graph((sources.flatten(), targets), num_nodes=samples * nodes)
    result.set_batch_num_nodes(torch.full((samples,), nodes, device=sources.device))
    result.set_batch_num_edges(torch.full((samples,), nodes * count, device=sources.device))
    result.ndata[POSITIONS] = graph.positions.flatten(0, 1)
    result.edata[VECTORS] = graph.vectors.flatten(0, 2)
    return result


def _sample_numbers(samples: int, like: Tensor) -> Tensor:
    return torch.arange(samples, device=like.device).view(-1, 1, 1)
