"""lucidrains' VN-transformer: attention over vector neurons, for rotations."""

from __future__ import annotations

from VN_transformer import VNTransformer

import equivariance as eq
from nightly_tests.cases.clouds import cloud


def network(epsilon: float) -> eq.Report:
    """Diagnoses with an undeclared input; the network is made for rotations and reflections about the origin."""
    module = VNTransformer(dim=16, depth=2, dim_head=8, heads=2, bias_epsilon=epsilon)
    return eq.diagnose(module, (cloud(7)[None],), irreps_out="1x1o", group=["so3", "permutation"], samples=4)


CASES = {
    "VNTransformer(bias_epsilon=0)": lambda: network(0.0),
    "VNTransformer": lambda: network(1e-6),
    "VNTransformer(bias_epsilon=1e-3)": lambda: network(1e-3),
}
