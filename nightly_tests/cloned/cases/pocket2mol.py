"""pengxingang/Pocket2Mol: the encoder, with scalars and vectors at each atom."""

from __future__ import annotations

import torch
from models.encoders import CFTransformerEncoderVN

from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.graphs import EDGES, NODES, OF_EDGES, POSITIONS, near, positions

VECTORS = Law("vector", nodes=0)


def encoder() -> Example:
    """Nine atoms of a pocket and of a molecule."""
    module = CFTransformerEncoderVN(hidden_channels=[16, 6], edge_channels=12, num_edge_types=4, num_interactions=2)
    pos = positions(9)
    edges = near(pos, 4.0)
    tensors = {
        "s": torch.randn(9, 16), "v": torch.randn(9, 6, 3), "pos": pos, "edge_index": edges,
        "edge_feature": torch.nn.functional.one_hot(torch.randint(4, (edges.shape[1],)), 4).float(),
    }  # fmt: skip
    return Example(
        module, tensors,
        {"s": NODES, "v": VECTORS, "pos": POSITIONS, "edge_index": EDGES, "edge_feature": OF_EDGES},
        pack=lambda t: ([t["s"], t["v"]], t["pos"], t["edge_index"], t["edge_feature"]),
        unpack=tuple, results=(NODES, VECTORS),
        symmetries=("translation", "rotation", "inversion", "permutation", "edges"),
    )  # fmt: skip


CASES = {"CFTransformerEncoderVN": encoder}
