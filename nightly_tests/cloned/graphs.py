"""Small molecules and graphs, one after the other, as the cases need them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from nightly_tests.cloned.example import Law

NODES = Law(nodes=0)
SAMPLE_OF = Law(nodes=0, counts="samples")
POSITIONS = Law("point", nodes=0)
EDGES = Law(edges=1, counts="nodes")
OF_EDGES = Law(edges=0)


def sizes(*counts: int) -> Tensor:
    """The sample of each node."""
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


def positions(count: int, spread: float = 1.5) -> Tensor:
    """[N, 3]."""
    return spread * torch.randn(count, 3)


def near(pos: Tensor, reach: float, batch: Tensor | None = None) -> Tensor:
    """Edges [2, E] between nodes of one sample that are nearer than ``reach``, in both directions."""
    close = torch.cdist(pos, pos) < reach
    if batch is not None:
        close &= batch[:, None] == batch
    return close.fill_diagonal_(False).nonzero().T.contiguous()


def batch_of(tensors: dict[str, Tensor], of_nodes: tuple[str, ...], of_edges: tuple[str, ...] = ()) -> Batch:
    """A `Batch` of PyG, made of one `Data` for each sample, as a loader makes it."""
    sample = tensors["batch"]
    graphs = []
    for k in range(int(sample.max()) + 1):
        nodes = (sample == k).nonzero()[:, 0]
        fields = {name: tensors[name][nodes] for name in of_nodes}
        if "edge_index" in tensors:
            chosen = sample[tensors["edge_index"][0]] == k
            fields["edge_index"] = tensors["edge_index"][:, chosen] - nodes[0]
            fields |= {name: tensors[name][chosen] for name in of_edges}
        graphs.append(Data(**fields))
    return Batch.from_data_list(graphs)
