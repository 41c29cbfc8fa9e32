"""lucidrains' egnn-pytorch: dense E(n)-equivariant layers."""

from __future__ import annotations

import inspect

import torch
from egnn_pytorch import EGNN

import equivariance as eq
from nightly_tests.cases.clouds import cloud

GROUPS = ["e3", "permutation", "batch"]
OUT = (eq.Invariant(nodes=1, batch=0), eq.CartesianPoints(nodes=1, batch=0))
VECTORS = eq.Contract({"coors": "1x1o"}, "1x1o")


def layer(**options: object) -> eq.Report:
    """The inputs are not declared: ``feats`` and ``coors`` tell themselves."""
    known = inspect.signature(EGNN).parameters
    start = {"init_eps": 0.1} if "init_eps" in known else {}
    module = EGNN(dim=8, **start, **options)
    inputs = (torch.randn(2, 7, 8), torch.stack([cloud(7, 0), cloud(7, 1)]))
    contracts = {"coors_norm": VECTORS} if options.get("norm_coors") else {}
    return eq.diagnose(module, inputs, irreps_out=OUT, group=GROUPS, contracts=contracts, samples=4)


CASES = {"EGNN": layer}
if "norm_coors" in inspect.signature(EGNN).parameters:
    CASES["EGNN(norm_coors=True)"] = lambda: layer(norm_coors=True)
    CASES["EGNN(num_nearest_neighbors=3)"] = lambda: layer(num_nearest_neighbors=3)
