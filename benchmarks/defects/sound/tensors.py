"""Scattered, gathered, sorted, selected, filled in place."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.parts import mlp, pairs, safe_norm, smooth_cutoff
from benchmarks.defects.sound.register import NODES, POINTS, Sound
from equivariance import CartesianPoints, Invariant, Irreps, NodeIndices

sound = Sound("tensors")
NUMBERS = NodeIndices(nodes=None, batch=None)


def connected() -> tuple[Tensor, Tensor]:
    return torch.randn(NODES, 3), pairs(NODES)[:, ::3]


@sound("scattered-sum", (POINTS, NUMBERS), "1x1o", args=connected)
class ScatteredSum(nn.Module):
    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        between = x[edges[1]] - x[edges[0]]
        index = edges[1][:, None].expand(-1, 3)
        return torch.zeros_like(x).scatter_add_(0, index, between / (1 + safe_norm(between, True)))


@sound("scattered-mean", (POINTS, NUMBERS), POINTS, args=connected)
class ScatteredMean(nn.Module):
    """The centre of the neighbours, in absolute positions."""

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        total = torch.zeros_like(x).index_add_(0, edges[1], x[edges[0]])
        count = torch.zeros_like(x[:, :1]).index_add_(0, edges[1], torch.ones_like(x[edges[0], :1]))
        return 0.5 * x + 0.5 * torch.where(count > 0, total / count.clamp(min=1), x)


@sound("scattered-largest-length", (POINTS, NUMBERS), None, args=connected)
class ScatteredLargest(nn.Module):
    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        lengths = safe_norm(x[edges[1]] - x[edges[0]])
        return x.new_zeros(len(x)).scatter_reduce(0, edges[1], lengths, "amax")


@sound("softmax-over-edges", (POINTS, NUMBERS), "1x1o", args=connected)
class EdgeSoftmax(nn.Module):
    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        source, target = edges
        between = x[source] - x[target]
        weights = torch.exp(-between.square().sum(-1))
        total = x.new_full((len(x),), 1e-3).index_add(0, target, weights)
        return torch.zeros_like(x).index_add(0, target, (weights / total[target])[:, None] * between)


@sound("voting-by-softmax", (POINTS,), Irreps("1x1o", nodes=None, batch=None))
class Voting(nn.Module):
    """Where the weighted mean of the points lies from the centroid."""

    def __init__(self) -> None:
        super().__init__()
        self.vote = mlp(1, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        far = safe_norm(x - x.mean(0), True)
        return (self.vote(far).softmax(0) * x).sum(0) - x.mean(0)


@sound("landmarks-by-softmax", (POINTS,), CartesianPoints(nodes=None, batch=None))
class Landmarks(nn.Module):
    """Three points for the whole cloud, each a mean weighted by a heatmap."""

    def __init__(self) -> None:
        super().__init__()
        self.heat = mlp(1, 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        crowd = torch.exp(-(x[:, None] - x).square().sum(-1)).sum(1, keepdim=True)
        return self.heat(crowd).softmax(0).T @ x


@sound("nearest-neighbour-gathered", (POINTS,), "1x1o")
class Nearest(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        distances = safe_norm(x[:, None] - x)
        nearest = (distances + 1e9 * torch.eye(len(x)).to(x)).argmin(1)
        return x[nearest] - x


@sound("sorted-by-distance", (POINTS,), None)
class Sorted(nn.Module):
    """A recurrent network over the neighbours, nearest first."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.GRU(1, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        distances = safe_norm(x[:, None] - x).sort(dim=1).values
        return self.net(distances[..., None])[1].squeeze(0)


@sound("weighted-by-rank", (POINTS,), "1x1o")
class Ranked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(NODES))

    def forward(self, x: Tensor) -> Tensor:
        edges = x - x[:, None]
        order = safe_norm(edges).argsort(dim=1, stable=True)
        ordered = edges.gather(1, order[..., None].expand_as(edges))
        return torch.einsum("k,ikx->ix", self.weights, ordered)


@sound("nearest-four", (POINTS,), None)
class TopK(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(6, 4, 2)

    def forward(self, x: Tensor) -> Tensor:
        near = safe_norm(x[:, None] - x).topk(5, dim=1, largest=False).indices[:, 1:]
        edges = x[near] - x[:, None]
        products = edges @ edges.mT
        row, column = torch.triu_indices(4, 4, 1, device=x.device)
        return self.net(products[:, row, column])


@sound("where-on-invariants", ("1x1o", "1x1o"), "1x1o")
class Where(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.where((a * b).sum(-1, keepdim=True) > 0, a, 2 * b - a)


@sound("reflected-as-vector-neurons", ("1x1o",), "1x1o")
class VectorNeuron(nn.Module):
    """A vector that points against a learned direction loses its component along it."""

    def __init__(self) -> None:
        super().__init__()
        self.direction = nn.Linear(4, 4, bias=False)

    def forward(self, v: Tensor) -> Tensor:
        along = self.direction(v.mT).mT
        product = (v * along).sum(-1, keepdim=True)
        inside = (product >= 0).to(v)
        return inside * v + (1 - inside) * (v - product / (along.square().sum(-1, keepdim=True) + 1e-6) * along)


@sound("buffer-filled-in-place", (POINTS,), "1x1o")
class Filled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        result = torch.zeros_like(x)
        for i in range(len(x)):
            edges = x - x[i]
            result[i] = (edges / (1 + edges.square().sum(-1, keepdim=True))).sum(0)
        return result


@sound("columns-filled-in-place", ("1x1o",), "1x1o")
class Columns(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        result = torch.empty_like(v)
        gain = 1 / (1 + v.square().sum(-1))
        for axis in range(3):
            result[..., axis] = v[..., axis]
            result[..., axis].mul_(gain)
        return result


@sound("radial-cutoffs", (POINTS,), None)
class Cutoffs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.arange(1, 5).to(torch.get_default_dtype()))

    def forward(self, x: Tensor) -> Tensor:
        distances = safe_norm(x[:, None] - x)
        waves = torch.sin(self.frequencies * distances[..., None]) / (1 + distances[..., None])
        return (waves * smooth_cutoff(distances, 2.5)[..., None]).sum(1)


@sound("masked-attention", (POINTS,), "1x1o")
class MaskedAttention(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        edges = x - x[:, None]
        squares = edges.square().sum(-1)
        weights = (-squares).masked_fill(squares > 4, -torch.inf).softmax(-1)
        return torch.einsum("ij,ijx->ix", weights, edges)


@sound("edges-within-radius", (POINTS,), "1x1o")
class RadiusGraph(nn.Module):
    """As many edges as there are pairs within the radius."""

    def forward(self, x: Tensor) -> Tensor:
        target, source = ((x[:, None] - x).square().sum(-1) < 4).nonzero(as_tuple=True)
        between = x[source] - x[target]
        return torch.zeros_like(x).index_add(0, target, between * torch.exp(-between.square().sum(-1, keepdim=True)))


@sound("farthest-from-the-centroid", (POINTS,), "1x1o")
class Farthest(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        r = x - x.mean(0)
        return r - r[safe_norm(r).argmax()]


@sound("pooled-in-order-of-selection", (POINTS,), Invariant(nodes=None, batch=None))
class Pooled(nn.Module):
    """Sorted by distance from the centroid, so that the order of the input does not matter."""

    def forward(self, x: Tensor) -> Tensor:
        r = x - x.mean(0)
        chosen = r[safe_norm(r).argsort(descending=True)[:4]]
        return chosen @ chosen.T


CASES = tuple(sound.cases)
