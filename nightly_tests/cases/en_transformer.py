"""lucidrains' En-transformer."""

from __future__ import annotations

import torch
from en_transformer import EnTransformer

import equivariance as eq
from nightly_tests.cases.clouds import cloud

OUT = (eq.Invariant(nodes=1, batch=0), eq.CartesianPoints(nodes=1, batch=0))


def network(neighbours: int) -> eq.Report:
    """The inputs are not declared."""
    module = EnTransformer(dim=16, depth=2, dim_head=32, heads=2, neighbors=neighbours)
    inputs = (torch.randn(1, 7, 16), cloud(7)[None])
    return eq.diagnose(module, inputs, irreps_out=OUT, group=["e3", "permutation"], samples=4)


CASES = {
    "EnTransformer": lambda: network(0),
    "EnTransformer(neighbors=4)": lambda: network(4),
}
