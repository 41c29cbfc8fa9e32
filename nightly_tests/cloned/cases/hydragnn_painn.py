"""ORNL/HydraGNN: PaiNN with one head for graphs and one for nodes, on a `Batch`."""

from __future__ import annotations

import torch

from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.graphs import EDGES, NODES, POSITIONS, SAMPLE_OF, batch_of, near, positions, sizes
from nightly_tests.cloned.importing import bare, empty

bare("hydragnn", "hydragnn.models", "hydragnn.utils", "hydragnn.utils.profiling_and_tracing")
empty("hydragnn.utils.profiling_and_tracing.tracer", start=lambda name: None, stop=lambda name: None)

from hydragnn.models.PAINNStack import PAINNStack  # noqa: E402

ARGUMENTS = "inv_node_feat, equiv_node_feat, edge_index, diff, dist"
SHARED = {"num_sharedlayers": 1, "dim_sharedlayers": 8, "num_headlayers": 1, "dim_headlayers": [8]}
HEADS = {
    "graph": [{"type": "branch-0", "architecture": SHARED}],
    "node": [{"type": "branch-0", "architecture": {"type": "mlp", "num_headlayers": 1, "dim_headlayers": [8]}}],
}
LAWS = {
    "x": NODES, "pos": POSITIONS, "edge_index": EDGES, "edge_shifts": Law("vector", edges=0), "batch": SAMPLE_OF,
}  # fmt: skip


def network() -> Example:
    """Two molecules of 7 and 5 atoms, without a cell."""
    module = PAINNStack(
        ARGUMENTS, ARGUMENTS, None, 5, 5.0, 4, 8, [1, 1], 0, "", "", 0, ["graph", "node"], HEADS, "silu", "mse", True,
        loss_weights=[1.0, 1.0], num_conv_layers=2, num_nodes=None,
    )  # fmt: skip
    pos, batch = positions(12), sizes(7, 5)
    edges = near(pos, 5.0, batch)
    tensors = {
        "x": torch.randn(12, 4), "pos": pos, "edge_index": edges, "edge_shifts": torch.zeros(edges.shape[1], 3),
        "batch": batch,
    }  # fmt: skip
    return Example(
        module, tensors, LAWS, pack=lambda t: (batch_of(t, ("x", "pos"), ("edge_shifts",)),), unpack=tuple,
        results=(Law(samples=0), NODES),
        symmetries=("translation", "rotation", "inversion", "permutation", "edges", "batch"),
    )  # fmt: skip


CASES = {"PAINNStack": network}
