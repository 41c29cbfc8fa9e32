"""WangYueFt/dgcnn: the classifier on clouds [B, 3, N]."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from model import DGCNN

from nightly_tests.cloned.example import Example, Law


def classifier() -> Example:
    """Four clouds of 32 points, 6 neighbours, as `main.py` calls it with 1024 and 20."""
    module = DGCNN(SimpleNamespace(k=6, emb_dims=64, dropout=0.5), output_channels=10)
    return Example(
        module, {"x": torch.randn(4, 3, 32)}, {"x": Law("point", axis=1, nodes=2, samples=0)},
        pack=lambda t: (t["x"],), unpack=lambda out: (out,), results=(Law(samples=0),),
    )  # fmt: skip


CASES = {"DGCNN": classifier}
