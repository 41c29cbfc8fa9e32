"""e3tools: attention and convolutions on e3nn's irreps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from e3nn import o3
from e3tools import nn as layers
from torch import nn

import equivariance as eq
from nightly_tests.cases.clouds import cloud, radius_graph

IRREPS = "8x0e+8x0e+4x1o"
HARMONICS = "1x0e+1x1o+1x2e"


def report(make: Callable[[], nn.Module]) -> eq.Report:
    """A layer on a graph of eight nodes; edges come with the harmonics of their directions."""
    x, generator = cloud(8), torch.Generator().manual_seed(0)
    edges = radius_graph(x, 4.0)
    harmonics = o3.spherical_harmonics(HARMONICS, x[edges[1]] - x[edges[0]], True)
    features = torch.randn(8, o3.Irreps(IRREPS).dim, generator=generator)
    radial = torch.randn(edges.shape[1], 4, generator=generator)
    arguments, laws = (features, edges, radial, harmonics), [IRREPS, None, None, HARMONICS]
    return eq.diagnose(make(), arguments, laws, IRREPS, group="o3", samples=4)


def sizes() -> dict[str, object]:
    """Of each of the layers."""
    irreps, harmonics = o3.Irreps(IRREPS), o3.Irreps(HARMONICS)
    return {"irreps_in": irreps, "irreps_out": irreps, "irreps_sh": harmonics, "edge_attr_dim": 4}


CASES = {
    "Conv": lambda: report(lambda: layers.Conv(**sizes())),
    "ConvBlock": lambda: report(lambda: layers.ConvBlock(**sizes())),
    "TransformerBlock": lambda: report(lambda: layers.TransformerBlock(**sizes(), num_heads=2)),
}
