"""FlyingGiraffe/vnn: vector neurons, the DGCNN classifier and the PointNet encoder, on clouds [B, 3, N]."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from models.vn_dgcnn_cls import get_model
from models.vn_pointnet import PointNetEncoder

from nightly_tests.cloned.example import Example, Law

CLOUDS = {"x": Law("point", axis=1, nodes=2, samples=0)}
SETTINGS = SimpleNamespace(n_knn=6, pooling="mean")


def classifier() -> Example:
    """Three clouds of 16 points; its width is fixed."""
    return Example(
        get_model(SETTINGS, num_class=10), {"x": torch.randn(3, 3, 16)}, CLOUDS,
        pack=lambda t: (t["x"],), unpack=lambda out: out[:1], results=(Law(samples=0),),
    )  # fmt: skip


def encoder() -> Example:
    """Three clouds of 16 points: invariant features, and the frame [B, 3, 3] of each point on the last axis."""
    return Example(
        PointNetEncoder(SETTINGS, feature_transform=True), {"x": torch.randn(3, 3, 16)}, CLOUDS,
        pack=lambda t: (t["x"],), unpack=lambda out: out[:2],
        results=(Law(samples=0), Law("vector", axis=1, nodes=3, samples=0)),
    )  # fmt: skip


CASES = {"VN-DGCNN": classifier, "VN-PointNet encoder": encoder}
