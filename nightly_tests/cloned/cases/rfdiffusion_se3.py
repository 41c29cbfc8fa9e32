"""RosettaCommons/RFdiffusion: its SE(3)-Transformer, on a graph of DGL."""

from __future__ import annotations

from contextlib import nullcontext
from unittest import mock

import dgl
import torch
from torch import Tensor

from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.graphs import EDGES, NODES, OF_EDGES, near, positions
from nightly_tests.cloned.importing import bare

bare("rfdiffusion")
torch.cuda.nvtx.range = lambda name: nullcontext()  # marks for the profiler, which need a build for CUDA

from rfdiffusion.SE3_network import SE3TransformerWrapper  # noqa: E402
from se3_transformer.model import basis  # noqa: E402

VECTORS = Law("vector", nodes=0)


def bases(
    max_degree: int, use_pad_trick: bool, spherical_harmonics: list[Tensor], clebsch_gordon: list[list[Tensor]],
    amp: bool,
) -> dict[str, Tensor]:  # fmt: skip
    """Returns the result of `get_basis_script` without padding, in the precision of its inputs."""
    degrees = range(max_degree + 1)
    pairs = [(i, o) for i in degrees for o in degrees]
    return {
        f"{i},{o}": torch.stack(
            [torch.einsum("nf,klf->nlk", spherical_harmonics[abs(i - o) + k], q) for k, q in enumerate(couplings)], 2
        )
        for (i, o), couplings in zip(pairs, clebsch_gordon, strict=True)
    }


def graph(t: dict[str, Tensor]) -> dgl.DGLGraph:
    """Edges with their relative positions, as `make_topk_graph` makes them."""
    made = dgl.graph((t["edge_index"][0], t["edge_index"][1]), num_nodes=len(t["l0"]))
    made.edata["rel_pos"] = t["rel_pos"]
    return made


def transformer() -> Example:
    """Seven residues, with scalars and three vectors each."""
    module = SE3TransformerWrapper(
        num_layers=1, num_channels=8, num_degrees=2, n_heads=2, div=2, l0_in_features=8, l0_out_features=6,
        num_edge_features=4,
    )  # fmt: skip
    pos = positions(7)
    edges = near(pos, 5.0)
    tensors = {
        "edge_index": edges, "rel_pos": pos[edges[1]] - pos[edges[0]], "l0": torch.randn(7, 8, 1),
        "l1": torch.randn(7, 3, 3), "edge": torch.randn(edges.shape[1], 4, 1),
    }  # fmt: skip
    laws = {"edge_index": EDGES, "rel_pos": Law("vector", edges=0), "l0": NODES, "l1": VECTORS, "edge": OF_EDGES}
    return Example(
        module, tensors, laws, pack=lambda t: (graph(t), t["l0"], t["l1"], t["edge"]),
        unpack=lambda out: (out["0"], out["1"]), results=(NODES, VECTORS),
        symmetries=("rotation", "inversion", "permutation", "edges"),
        in_double=lambda: mock.patch.object(basis, "get_basis_script", bases),
    )  # fmt: skip


CASES = {"SE3TransformerWrapper": transformer}
