"""Local frames, as in invariant point attention: what a node sees is told in axes that its own neighbours span."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, safe_norm
from equivariance import Contract

NODES, CHANNELS = 8, 5


def spanned(first: Tensor, second: Tensor) -> Tensor:
    """Orthonormal axes [..., 3, 3] in rows, by Gram and Schmidt; right-handed."""
    a = first / safe_norm(first, True)
    # A built-in axis is a number like any other until it meets an axis that turns.
    b = second - (second * a).sum(-1, keepdim=True) * a  # planted: frames-built-in-axis
    b = b / safe_norm(b, True)
    return torch.stack([a, b, torch.linalg.cross(a, b)], -2)


class FrameLayer(nn.Module):
    """A network on local coordinates, whose vectors are turned back."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.see = mlp(CHANNELS + 3, CHANNELS, CHANNELS + 3)

    def axes(self, h: Tensor, x: Tensor) -> Tensor:
        """[N, 3, 3]."""
        edges = x - x[:, None]
        near, wide = (-edges.square().sum(-1)).exp(), (-0.2 * edges.square().sum(-1)).exp()
        first, second = (torch.einsum("ij,ijx->ix", w * h[:, 0].cos(), edges) for w in (near, wide))
        if self.defect == "frames-built-in-axis":
            second = torch.eye(3).to(x)[2].expand_as(first)  # planted: frames-built-in-axis
        if self.defect == "frames-next-nodes":
            first, second = x.roll(-1, 0) - x, x.roll(-2, 0) - x  # planted: frames-next-nodes
        if self.defect == "frames-principal-axes":
            moments = torch.einsum("ij,ijx,ijy->ixy", near, edges, edges)
            return torch.linalg.eigh(moments)[1].mT  # planted: frames-principal-axes
        return spanned(first, second)

    def forward(self, h: Tensor, v: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        axes = self.axes(h, x)
        edges = x - x[:, None]
        if self.defect == "frames-without-origin":
            edges = x.expand(len(x), -1, -1)  # planted: frames-without-origin
        local = torch.einsum("iax,ijx->ija", axes, edges)  # planted: frames-without-origin
        if self.defect == "frames-transposed":
            local = torch.einsum("iax,ija->ijx", axes, edges)  # planted: frames-transposed
        seen = self.see(torch.cat([h.expand(len(h), -1, -1), local], -1)).mean(1)
        turned = torch.einsum("iax,ia->ix", axes, seen[:, CHANNELS:])
        if self.defect == "frames-not-turned-back":
            turned = seen[:, CHANNELS:]  # planted: frames-not-turned-back
        v = v + turned  # planted: frames-not-turned-back
        return h + seen[:, :CHANNELS].tanh(), v


class FrameNet(nn.Module):
    """A feature and a vector for each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, CHANNELS)
        self.layers = nn.ModuleList(FrameLayer(defect if i == depth else "") for i in range(3))

    def forward(self, kinds: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        h, v = self.embed(kinds), x - x.mean(0)
        for layer in self.layers:
            h, v = layer(h, v, x)
        return h, v


def network(defect: str, depth: int) -> Example:
    contract = Contract({"h": None, "v": "1x1o", "x": "cartesian_points"}, (None, "1x1o"))
    return Example(
        FrameNet(defect, depth), (torch.randn(NODES, 3), torch.randn(NODES, 3)), (None, "cartesian_points"),
        (None, "1x1o"), {f"layers.{i}": contract for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("frames-built-in-axis", "frame-dependent", "rotation"),
    Planting("frames-next-nodes", "order-dependent", "permutation"),
    Planting("frames-principal-axes", "frame-dependent", "rotation", (), ("",), "aristoteleo/veckit#7"),
    Planting("frames-without-origin", "absolute-position", "translation"),
    Planting("frames-transposed", ("wrong-irrep", "component-mixing"), "rotation", (), ("",),
             "lucidrains/invariant-point-attention#6"),
    Planting("frames-not-turned-back", "wrong-irrep", "rotation"),
)  # fmt: skip
CASES = planted("frames", network, PLANTINGS, ("se3", "permutation"))
