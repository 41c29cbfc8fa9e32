"""fxia22/pointnet.pytorch: classification and segmentation of clouds [B, 3, N]."""

from __future__ import annotations

import torch
from pointnet.model import PointNetCls, PointNetDenseCls

from nightly_tests.cloned.example import Example, Law

CLOUDS = {"x": Law("point", axis=1, nodes=2, samples=0)}


def classifier() -> Example:
    """Four clouds of 40 points."""
    return Example(
        PointNetCls(k=5), {"x": torch.randn(4, 3, 40)}, CLOUDS,
        pack=lambda t: (t["x"],), unpack=lambda out: out[:2], results=(Law(samples=0), Law(samples=0)),
    )  # fmt: skip


def segmentation() -> Example:
    """Four clouds of 40 points, one class for each point."""
    return Example(
        PointNetDenseCls(k=3), {"x": torch.randn(4, 3, 40)}, CLOUDS,
        pack=lambda t: (t["x"],), unpack=lambda out: out[:2], results=(Law(nodes=1, samples=0), Law(samples=0)),
    )  # fmt: skip


CASES = {"PointNetCls": classifier, "PointNetDenseCls": segmentation}
