"""Describes the networks as subjects of the harness: example faces, contracts, claims, defects of the published one."""

from __future__ import annotations

from importlib.util import find_spec

import torch

from equivariance import CartesianPoints, Invariant, MissingDependencyError
from equivariance.subject import RegisteredFinding, Subject
from equivariance_zoo import faces
from se3unet.config import SE3UnetConfig
from se3unet.contracts import unet_contracts
from se3unet.model import SE3Unet

SEED = 0
_CLAIMS = ("se3", "permutation", "batch")
_BATCH = 2
_POINTS = 256
"""Points of an example face: fewer than the networks are trained with. Each defect shows, in a quarter of the time."""
_GRID = 2.0**-16
"""Step of the dyadic grid of positions: dyadic translations are exact, and every run gets the same cloud."""


def se3unet() -> Subject:
    """Returns our network with seeded random weights, on 256 points of two built-in faces."""
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        model = SE3Unet(SE3UnetConfig())
    return Subject(
        name="se3unet",
        module=model.eval(),
        args=(_positions(),),
        irreps_in=(CartesianPoints(nodes=1, batch=0),),
        irreps_out=Invariant(nodes=1, batch=0),
        claims=_CLAIMS,
        contracts=unet_contracts(model),
        stages={
            "input features": ("embed",),
            "graph and geometry": ("graph", "geometry"),
            "contracting block": ("down",),
            "pool: selection": ("pool.0.sample",),
            "pool: aggregation": ("pool.0.aggregate",),
            "pool: coarse graph": ("pool.0.graph",),
            "bottleneck": ("bottleneck",),
            "upsampling": ("upsample",),
            "expansive block": ("up", "residual"),
            "head": ("head",),
        },
        description="ours: translation-invariant features, per-sample sampling, a head on invariants",
    )


def published() -> Subject:
    """Returns the published network, defects included, with seeded random weights; `--checkpoint` loads trained ones.

    Raises:
        MissingDependencyError: If DGL is not installed.
    """
    if find_spec("dgl") is None:
        raise MissingDependencyError("dgl", "the subject 'published'", 'pip install "equivariance[dgl]" on Python 3.11')
    from se3unet.published import PublishedUnet, load_published_weights, published_graph
    from se3unet.published.contracts import graph_fields, logits, published_contracts

    model, graph = PublishedUnet(SEED).eval(), published_graph(_positions())
    return Subject(
        name="published",
        module=model,
        args=(graph,),
        irreps_in=(graph_fields(),),
        irreps_out=logits(),
        claims=_CLAIMS,
        contracts=published_contracts(model, graph),
        registered=(
            RegisteredFinding("coordinates", "translation", "absolute-position"),
            RegisteredFinding("head", "rotation", "component-mixing"),
            RegisteredFinding("pool.start", "batch", "batch-coupled"),
            RegisteredFinding("pool.edges", "permutation", "order-dependent"),
            RegisteredFinding("pool.edges", "batch", "batch-coupled"),
            RegisteredFinding("upsample.weights", "permutation", "order-dependent"),
            RegisteredFinding("upsample.weights", "batch", "batch-coupled"),
            RegisteredFinding("rewrite", "none", "nondeterministic"),
        ),
        stages={
            "input features": ("coordinates",),
            "contracting block": ("down_branch",),
            "pool: start": ("pool.start",),
            "pool: selection": ("pool.select",),
            "pool: aggregation": ("pool.aggregate",),
            "pool: coarse graph": ("pool.edges",),
            "bottleneck": ("bottleneck",),
            "upsampling": ("upsample",),
            "expansive block": ("up_branch", "residual"),
            "head": ("head",),
        },
        description="the network as published, with the defects that it was trained with",
        load=load_published_weights,
    )


def _positions() -> torch.Tensor:
    return (faces.sample(_BATCH).positions[:, :_POINTS] / _GRID).round() * _GRID
