"""rampasek/GraphGPS: a layer of local messages and global attention, on a `Batch` of graphs without positions."""

from __future__ import annotations

import torch
from torch import Tensor

from nightly_tests.cloned.example import Example
from nightly_tests.cloned.graphs import EDGES, NODES, OF_EDGES, SAMPLE_OF, batch_of, near, positions, sizes
from nightly_tests.cloned.importing import bare

bare("graphgps", "graphgps.layer")

import torch_geometric.graphgym  # noqa: E402, F401 - registers the activations
from graphgps.layer.gps_layer import GPSLayer  # noqa: E402

LAWS = {"x": NODES, "edge_index": EDGES, "edge_attr": OF_EDGES, "batch": SAMPLE_OF}


def graphs() -> dict[str, Tensor]:
    """Three graphs of 7, 5 and 6 nodes."""
    batch = sizes(7, 5, 6)
    edges = near(positions(18), 2.5, batch)
    return {
        "x": torch.randn(18, 8), "edge_index": edges, "edge_attr": torch.randn(edges.shape[1], 8), "batch": batch,
    }  # fmt: skip


def layer(local: str) -> Example:
    """Local messages of one kind, and the attention of a transformer."""
    module = GPSLayer(8, local, "Transformer", num_heads=2, dropout=0.1)
    return Example(
        module, graphs(), LAWS, pack=lambda t: (batch_of(t, ("x",), ("edge_attr",)),),
        unpack=lambda out: (out.x,), results=(NODES,), symmetries=("permutation", "edges", "batch"),
    )  # fmt: skip


CASES = {"GPSLayer(GINE)": lambda: layer("GINE"), "GPSLayer(CustomGatedGCN)": lambda: layer("CustomGatedGCN")}
