"""drorlab/gvp-pytorch: a layer of geometric vector perceptrons, and the model for protein design."""

from __future__ import annotations

import torch
from gvp import GVPConvLayer
from gvp.models import CPDModel
from torch import Tensor, nn

from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.graphs import EDGES, NODES, OF_EDGES, near, positions

VECTORS, EDGE_VECTORS = Law("vector", nodes=0), Law("vector", edges=0)
LAWS = {"s": NODES, "v": VECTORS, "edge_index": EDGES, "edge_s": OF_EDGES, "edge_v": EDGE_VECTORS}
SYMMETRIES = ("rotation", "inversion", "permutation", "edges")


def graph(node: tuple[int, int], edge: tuple[int, int]) -> dict[str, Tensor]:
    """Eight nodes with scalars and vectors, as `gvp.randn` makes them."""
    edges = near(positions(8), 3.0)
    count = edges.shape[1]
    return {
        "s": torch.randn(8, node[0]), "v": torch.randn(8, node[1], 3), "edge_index": edges,
        "edge_s": torch.randn(count, edge[0]), "edge_v": torch.randn(count, edge[1], 3),
    }  # fmt: skip


def layer() -> Example:
    """One convolution with its feed-forward part."""
    module = GVPConvLayer((12, 4), (6, 1), activations=(nn.functional.relu, None), vector_gate=True)
    return Example(
        module, graph((12, 4), (6, 1)), LAWS,
        pack=lambda t: ((t["s"], t["v"]), t["edge_index"], (t["edge_s"], t["edge_v"])),
        unpack=tuple, results=(NODES, VECTORS), symmetries=SYMMETRIES,
    )  # fmt: skip


def design() -> Example:
    """The autoregressive model: what a residue may see depends on its number, by design."""
    module = CPDModel((6, 3), (10, 4), (8, 1), (8, 1), num_layers=1)
    tensors = graph((6, 3), (8, 1)) | {"seq": torch.randint(20, (8,))}
    return Example(
        module, tensors, LAWS | {"seq": NODES},
        pack=lambda t: ((t["s"], t["v"]), t["edge_index"], (t["edge_s"], t["edge_v"]), t["seq"]),
        unpack=lambda out: (out,), results=(NODES,), symmetries=SYMMETRIES,
    )  # fmt: skip


CASES = {"GVPConvLayer": layer, "CPDModel": design}
