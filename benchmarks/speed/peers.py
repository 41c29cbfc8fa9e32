"""Other people's networks and layers of about the same size; none is part of this repository.

Each is imported where it is used, from the folder that an environment variable names or as an installed package. What
it needs to load beside current packages is done here, in a process of its own, and never in its files.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.speed.case import LANDMARKS, Case, Runnable, cloud
from se3unet.geometry.graph import KNNGraph, batch_numbers

ORIGINAL_FOLDER, NVIDIA_FOLDER = "SE3_TRANSFORMER_CV", "SE3_TRANSFORMER"
HIDDEN = 32
"""Width of the radial networks of the published network."""

DGL = ("dgl", "needs DGL: `pip install 'equivariance[dgl]'` (Python below 3.12)")
PACKAGES = {
    "published": (DGL,),
    "original": (DGL, ("lie_learn", "needs lie_learn: `pip install --no-deps lie_learn`")),
    "nvidia": (DGL,),
    "lucidrains": (
        ("se3_transformer_pytorch", "needs lucidrains': `pip install --no-deps se3-transformer-pytorch einops`"),
        ("einops", "needs einops: `pip install einops`"),
    ),
}
FOLDERS = {
    "original": (
        ORIGINAL_FOLDER,
        "se3/model.py",
        f"set {ORIGINAL_FOLDER} to the folder of a clone of MattiaFerraretto/SE3-Transformer-CV",
    ),
    "nvidia": (
        NVIDIA_FOLDER,
        "se3_transformer/model/__init__.py",
        f"set {NVIDIA_FOLDER} to the folder env/SE3Transformer of a clone of RosettaCommons/RFdiffusion",
    ),
}


def missing(case: Case) -> str:
    """Returns the requirements of the case that are not installed; "" if all are."""
    absent = [message for name, message in PACKAGES.get(case.subject, ()) if find_spec(name) is None]
    if case.subject in FOLDERS:
        variable, file, message = FOLDERS[case.subject]
        folder = os.environ.get(variable)
        if not folder or not (Path(folder) / file).is_file():
            absent.append(message)
    return "; ".join(absent)


def original(case: Case) -> Runnable:
    """The network as it was published, in its author's code, which has no licence: from his clone, as a black box."""
    from se3unet.published import published_graph

    sys.path.insert(0, os.environ[ORIGINAL_FOLDER])
    # Changes between bases that are not used here, compiled for NumPy 1, with which current PyTorch does not go.
    unused: Any = ModuleType("irrep_bases")
    unused.change_of_basis_matrix = None
    sys.modules["lie_learn.representations.SO3.irrep_bases"] = unused
    # NumPy and PyTorch have moved on: each matrix of a rotation warns.
    warnings.simplefilter("ignore", DeprecationWarning)
    from se3.model import SE3UnetV2

    torch.manual_seed(0)
    model = SE3UnetV2(1, "1x1", "att", 3, case.channels, LANDMARKS, 0.35, "sum")
    positions, target = cloud(case.points, case.batch), torch.rand(case.batch, case.points, LANDMARKS)

    def forward() -> Any:
        graph = published_graph(positions, case.neighbours)
        # A pass changes its graph, so that each has its own; points are channels of type 1 there.
        graph.ndata["x"] = graph.ndata["v"] = graph.ndata["x"].unsqueeze(1)
        return model(graph, "v", case.batch, logits=True)

    return Runnable(forward, _cross_entropy(target), list(model.parameters()))


def published(case: Case) -> Runnable:
    """The published network, defects included, on DGL: the mathematics of the original in code of our own."""
    from se3unet.published import PublishedUnet, published_graph

    torch.manual_seed(0)
    model, positions = PublishedUnet(0), cloud(case.points, case.batch)
    target = torch.rand(case.batch, case.points, LANDMARKS)
    # A pass changes its graph, so that each has its own.
    return Runnable(lambda: model(published_graph(positions)), _cross_entropy(target), list(model.parameters()))


def nvidia(case: Case) -> Runnable:
    """NVIDIA's SE3-Transformer: two attention layers and a convolution, from a type-1 channel to one again."""
    import dgl

    sys.path.insert(0, os.environ[NVIDIA_FOLDER])
    # Marks for a profiler of graphics cards, which raise where there is none.
    torch.cuda.nvtx.range = lambda *_, **__: contextlib.nullcontext()
    from se3_transformer.model import Fiber, SE3Transformer
    from se3_transformer.model.basis import get_basis

    torch.manual_seed(0)
    ends, hidden = Fiber({1: 1}), Fiber(dict.fromkeys(range(case.degree + 1), case.channels))
    model = SE3Transformer(2, ends, hidden, ends, num_heads=1, channels_div=1)
    positions, sources, targets, vectors = _graph(case)
    edges = dgl.graph((sources, targets), num_nodes=case.batch * case.points)
    edges.edata["rel_pos"] = vectors
    with torch.no_grad():
        basis = get_basis(vectors, max_degree=case.degree, compute_gradients=False)
    features = {"1": positions.unsqueeze(1)}
    return Runnable(
        lambda: model(edges, features, basis=dict(basis)), lambda out: out["1"].square().sum(), list(model.parameters())
    )


def lucidrains(case: Case) -> Runnable:
    """lucidrains' SE3-Transformer: a convolution from scalars, one attention layer, a convolution to a type-1 channel.

    Its attention blocks are wider than ours (each with a feed-forward block), hence one of them; it finds the
    neighbours and makes the basis in every pass.
    """
    # Where it keeps what it computes once; otherwise that is the home folder.
    os.environ["CACHE_PATH"] = tempfile.mkdtemp()
    from se3_transformer_pytorch import SE3Transformer

    torch.manual_seed(0)
    model = SE3Transformer(
        dim=case.channels, dim_in=1, heads=1, dim_head=case.channels, depth=1, num_degrees=case.degree + 1,
        num_neighbors=case.neighbours, attend_self=False, out_fiber_dict={1: 1},
    )  # fmt: skip
    positions, features = cloud(case.points, case.batch), torch.ones(case.batch, case.points, 1)
    return Runnable(lambda: model(features, positions), lambda out: out["1"].square().sum(), list(model.parameters()))


class Attention(nn.Module):
    """One attention layer of e3nn's tensor products, as in its documentation (Fuchs et al. 2020, eq. 10 to 12)."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        from e3nn import o3
        from e3nn.nn import FullyConnectedNet

        hidden = o3.Irreps([(case.channels, (degree, 1)) for degree in range(case.degree + 1)])
        # Of degrees to which two hidden ones couple; all even, as only rotations are asked for.
        degrees = o3.Irreps([(1, (degree, 1)) for degree in range(2 * case.degree + 1)])
        self.harmonics = o3.SphericalHarmonics(degrees, True, "component", "1e")
        products = [o3.FullyConnectedTensorProduct(hidden, self.harmonics.irreps_out, hidden, shared_weights=False)
                    for _ in range(2)]  # fmt: skip
        self.products = nn.ModuleList(products)
        self.radial = nn.ModuleList(
            FullyConnectedNet([1, HIDDEN, HIDDEN, product.weight_numel], nn.functional.silu) for product in products
        )
        self.query, self.dot = o3.Linear(hidden, hidden), o3.FullyConnectedTensorProduct(hidden, hidden, "0e")
        self.neighbours, self.width = case.neighbours, hidden.dim

    def forward(self, features: Tensor, sources: Tensor, vectors: Tensor) -> Tensor:
        """Features [N, F]; sources [N * k] and vectors [N * k, 3], the edges of one node after the other."""
        harmonics, lengths = self.harmonics(vectors), vectors.norm(dim=-1, keepdim=True)
        given = features[sources]
        keys, values = (
            product(given, harmonics, radial(lengths))
            for product, radial in zip(self.products, self.radial, strict=True)
        )
        queries = self.query(features).repeat_interleave(self.neighbours, 0)
        weights = self.dot(queries, keys).view(-1, self.neighbours, 1).softmax(1)
        return (weights * values.view(-1, self.neighbours, self.width)).sum(1)


def e3nn_layer(case: Case) -> Runnable:
    """An attention layer between hidden fibers, on a graph that is given."""
    import e3nn

    # Modules that it scripts otherwise cannot be compiled.
    e3nn.set_optimization_defaults(jit_script_fx=False)
    torch.manual_seed(0)
    layer = Attention(case)
    run = torch.compile(layer) if case.compiled else layer
    _, sources, _, vectors = _graph(case)
    features = torch.randn(case.batch * case.points, layer.width, requires_grad=True)
    return Runnable(lambda: run(features, sources, vectors), lambda out: out.square().sum(), list(layer.parameters()))


def _graph(case: Case) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Positions [B * N, 3], sources and targets [B * N * k], and vectors [B * N * k, 3] of the nearest neighbours."""
    graph = KNNGraph(case.neighbours)(cloud(case.points, case.batch))
    sources = batch_numbers(graph.neighbours, case.points).flatten()
    targets = torch.arange(case.batch * case.points).repeat_interleave(case.neighbours)
    return graph.positions.flatten(0, 1), sources, targets, graph.vectors.flatten(0, 2)


def _cross_entropy(target: Tensor) -> Any:
    return lambda logits: nn.functional.binary_cross_entropy_with_logits(logits, target)
