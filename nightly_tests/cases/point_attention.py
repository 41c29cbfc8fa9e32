"""lucidrains' invariant-point-attention."""

from __future__ import annotations

import torch
from invariant_point_attention import InvariantPointAttention

import equivariance as eq
from nightly_tests.cases.clouds import cloud


def layer() -> eq.Report:
    """Frames of residues and their origins: nothing is declared; the rows of a rotation are vectors."""
    module = InvariantPointAttention(dim=16, heads=2, require_pairwise_repr=False)
    rotations = torch.linalg.qr(torch.randn(1, 7, 3, 3))[0]
    inputs = {"rotations": rotations, "translations": cloud(7)[None]}
    return eq.diagnose(module, (torch.randn(1, 7, 16),), kwargs=inputs, samples=4)


CASES = {"InvariantPointAttention": layer}
