"""Twenty small networks with the right verdict on each symmetry, written down before the first run.

A network draws its weights and its inputs from the seed of PyTorch. Nothing is declared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn

HOLDS, BROKEN, NOT_TESTED = "holds", "broken", "not tested"
SOUND = {"translation": HOLDS, "rotation": HOLDS, "permutation": HOLDS}
IN_BATCHES = {**SOUND, "batch": HOLDS}


@dataclass(frozen=True)
class Specimen:
    """A network, its inputs and the right verdicts.

    Attributes:
        name: The name on the page.
        make: Returns the network.
        inputs: Returns the arguments.
        right: Symmetry -> the right verdict; symmetries that nobody claims are left out.
    """

    name: str
    make: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Any, ...]]
    right: Mapping[str, str]


def _mlp(size: int, result: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, 12), nn.SiLU(), nn.Linear(12, result))


def _zeroed(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Distances(nn.Module):
    """A function of the distances to all points; `absolute` adds a coordinate, `zero` starts the last layer at zero."""

    def __init__(self, absolute: bool = False, zero: bool = False) -> None:
        super().__init__()
        self.absolute, self.f = absolute, _mlp(1, 3)
        if zero:
            _zeroed(self.f[2])

    def forward(self, pos: Tensor) -> Tensor:
        """Returns [N, 3] invariants."""
        lengths = (pos[:, None] - pos).square().sum(-1, keepdim=True).sum(1).sqrt()
        return self.f(pos[:, 2:] + lengths if self.absolute else lengths)


class Gated(nn.Module):
    """A sound trunk beside a branch that reads coordinates, behind a gate that starts at `gate`."""

    def __init__(self, gate: float) -> None:
        super().__init__()
        self.trunk, self.branch, self.gate = Distances(), _mlp(3, 3), nn.Parameter(torch.full((3,), gate))

    def forward(self, pos: Tensor) -> Tensor:
        """Returns [N, 3]."""
        return self.trunk(pos) + self.gate * self.branch(pos)


class GraphLayer(nn.Module):
    """Features and positions updated by messages; `clips` cuts the components of the step."""

    def __init__(self, clips: bool) -> None:
        super().__init__()
        self.clips, self.message, self.weight, self.update = clips, _mlp(9, 8), _mlp(8, 1), _mlp(12, 4)

    def forward(self, h: Tensor, pos: Tensor) -> tuple[Tensor, Tensor]:
        """Returns new features [N, 4] and positions [N, 3]."""
        edges, count = pos[:, None] - pos, len(pos)
        pairs = [h[:, None].expand(-1, count, -1), h.expand(count, -1, -1), edges.square().sum(-1, keepdim=True)]
        messages = self.message(torch.cat(pairs, -1))
        step = self.weight(messages) * edges
        step = step.clamp(-0.05, 0.05) if self.clips else step
        return h + self.update(torch.cat([h, messages.mean(1)], -1)), pos + step.mean(1)


class Vectors(nn.Module):
    """Vectors of channels from kinds and positions, mixed by a linear map; `bias` adds a bias to them."""

    def __init__(self, bias: bool, zero: bool = False) -> None:
        super().__init__()
        self.kinds, self.filter, self.mix = nn.Embedding(5, 4), _mlp(1, 4), nn.Linear(4, 4, bias=bias)
        self.force = nn.Linear(4, 1, bias=False)
        if bias:
            nn.init.constant_(self.mix.bias, 0.1)
        if zero:
            nn.init.zeros_(self.force.weight)

    def forward(self, z: Tensor, pos: Tensor) -> Tensor:
        """Returns forces [N, 3]."""
        edges = pos[:, None] - pos
        weights = self.filter(edges.square().sum(-1, keepdim=True)) * self.kinds(z)
        vectors = torch.einsum("ijc,ijx->icx", weights, edges) / len(pos)
        mixed = self.mix(vectors.transpose(1, 2))
        return self.force(mixed).squeeze(-1)


class FirstNeighbours(nn.Module):
    """Each node hears its first two neighbours in the list."""

    def __init__(self) -> None:
        super().__init__()
        self.f = _mlp(1, 4)

    def forward(self, pos: Tensor) -> Tensor:
        """Returns [N, 4]."""
        near = (pos[:, None] - pos).norm(dim=-1) < 3
        kept = near & (near.cumsum(1) <= 2)
        return (self.f((pos[:, None] - pos).norm(dim=-1, keepdim=True)) * kept[..., None]).sum(1)


class Attention(nn.Module):
    """Attention with a bias of distance; `numbered` adds a bias of the number of the node."""

    def __init__(self, numbered: bool) -> None:
        super().__init__()
        self.numbered, self.q, self.k, self.v = numbered, *(nn.Linear(4, 4) for _ in range(3))
        self.bias = _mlp(1, 1)

    def forward(self, h: Tensor, pos: Tensor) -> Tensor:
        """Returns [N, 4]."""
        scores = self.q(h) @ self.k(h).mT + self.bias((pos[:, None] - pos).norm(dim=-1, keepdim=True)).squeeze(-1)
        if self.numbered:
            scores = scores + 0.3 * torch.arange(len(pos), dtype=scores.dtype)
        return h + scores.softmax(-1) @ self.v(h)


class Edges(nn.Module):
    """Sums messages over the edges of a graph; `numbered` weighs them by their place in the list."""

    def __init__(self, numbered: bool) -> None:
        super().__init__()
        self.numbered, self.f = numbered, _mlp(1, 4)

    def forward(self, pos: Tensor, edge_index: Tensor) -> Tensor:
        """Returns [N, 4]."""
        source, target = edge_index
        messages = self.f((pos[source] - pos[target]).norm(dim=-1, keepdim=True))
        if self.numbered:
            messages = messages * torch.linspace(1, 2, len(source), dtype=pos.dtype)[:, None]
        return pos.new_zeros(len(pos), 4).index_add(0, target, messages)


class Clouds(nn.Module):
    """One vector for each cloud of a batch; `normalizes` takes statistics over the batch."""

    def __init__(self, normalizes: bool, drops: bool = False) -> None:
        super().__init__()
        self.f, self.norm = _mlp(1, 4), nn.BatchNorm1d(4, track_running_stats=False) if normalizes else nn.Identity()
        self.drop = nn.Dropout(0.5 if drops else 0.0)

    def forward(self, pos: Tensor) -> Tensor:
        """Returns [B, 4] for positions [B, N, 3]."""
        lengths = (pos - pos.mean(1, keepdim=True)).norm(dim=-1, keepdim=True)
        return self.norm(self.drop(self.f(lengths)).sum(1))


class TripleProducts(nn.Module):
    """A pseudoscalar of each point: it changes its sign under the inversion."""

    def forward(self, pos: Tensor) -> Tensor:
        """Returns [N, 1]."""
        centred = pos - pos.mean(0)
        edges = centred[:, None] - centred
        near = (edges.norm(dim=-1, keepdim=True) * edges).sum(1)
        far = (edges.square().sum(-1, keepdim=True) * edges).sum(1)
        return (torch.linalg.cross(near, far) * centred).sum(-1, keepdim=True)


class Irreps(nn.Module):
    """Two linear maps of e3nn; `clips` cuts the components between them."""

    def __init__(self, clips: bool) -> None:
        super().__init__()
        self.irreps_in = self.irreps_out = o3.Irreps("2x0e+2x1o")
        self.clips, self.first, self.second = clips, *(o3.Linear(self.irreps_in, self.irreps_out) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, 8]."""
        x = self.first(x)
        return self.second(x.clamp(-0.3, 0.3) if self.clips else x)


def _cloud() -> tuple[Tensor]:
    return (torch.randn(7, 3),)


def _features() -> tuple[Tensor, Tensor]:
    return torch.randn(7, 4), torch.randn(7, 3)


def _atoms() -> tuple[Tensor, Tensor]:
    return torch.randint(0, 5, (7,)), torch.randn(7, 3)


def _graph() -> tuple[Tensor, Tensor]:
    return torch.randn(7, 3), (~torch.eye(7, dtype=torch.bool)).nonzero().T.contiguous()


def _batch() -> tuple[Tensor]:
    return (torch.randn(3, 7, 3),)


def _irreps() -> tuple[Tensor]:
    return (torch.randn(6, 8),)


_MOVED = {"translation": BROKEN, "rotation": BROKEN}
# Irreps do not move under translations, and the inversion is a claim of odd irreps.
_OF_IRREPS = {"translation": NOT_TESTED, "rotation": HOLDS, "inversion": HOLDS}

SPECIMENS = (
    Specimen("distances", Distances, _cloud, SOUND),
    Specimen("distances and a coordinate", lambda: Distances(absolute=True), _cloud, {**SOUND, **_MOVED}),
    Specimen("new head, sound", lambda: Distances(zero=True), _cloud, SOUND),
    Specimen("new head, reads a coordinate", lambda: Distances(True, True), _cloud, {**SOUND, **_MOVED}),
    Specimen("closed gate before coordinates", lambda: Gated(0.0), _cloud, {**SOUND, **_MOVED}),
    Specimen("gate of 1e-6 before coordinates", lambda: Gated(1e-6), _cloud, {**SOUND, **_MOVED}),
    Specimen("graph layer", lambda: GraphLayer(False), _features, SOUND),
    Specimen("graph layer, clips components", lambda: GraphLayer(True), _features, {**SOUND, "rotation": BROKEN}),
    Specimen("vectors", lambda: Vectors(False), _atoms, SOUND),
    Specimen("vectors with a bias", lambda: Vectors(True), _atoms, {**SOUND, "rotation": BROKEN}),
    Specimen("vectors with a bias, new head", lambda: Vectors(True, True), _atoms, {**SOUND, "rotation": BROKEN}),
    Specimen("first neighbours", FirstNeighbours, _cloud, {**SOUND, "permutation": BROKEN}),
    Specimen("attention", lambda: Attention(False), _features, SOUND),
    Specimen("attention, numbers nodes", lambda: Attention(True), _features, {**SOUND, "permutation": BROKEN}),
    Specimen("edges", lambda: Edges(False), _graph, SOUND),
    Specimen("edges, numbers them", lambda: Edges(True), _graph, {**SOUND, "permutation": BROKEN}),
    Specimen("clouds with dropout", lambda: Clouds(False, True), _batch, IN_BATCHES),
    Specimen("clouds, statistics of the batch", lambda: Clouds(True), _batch, {**IN_BATCHES, "batch": BROKEN}),
    Specimen("triple products", TripleProducts, _cloud, SOUND),
    Specimen("irreps, clips components", lambda: Irreps(True), _irreps, {**_OF_IRREPS, "rotation": BROKEN}),
)
