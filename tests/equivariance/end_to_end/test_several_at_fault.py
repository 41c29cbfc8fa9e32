"""Several statements are at fault, in several layers: exactly these are named, and not the sound ones after them."""

from pathlib import Path

import pytest
import torch
from torch import nn

import equivariance as eq


def marked(case):
    lines = Path(__file__).read_text("utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if line.endswith(f"# at fault: {case.__name__}")]


def clouds(seed=0):
    torch.manual_seed(seed)
    edges = (~torch.eye(6, dtype=torch.bool)).nonzero().T.contiguous()
    return torch.randint(5, (6,)), torch.randn(6, 3), edges


def summed(values, at, like):
    return torch.zeros_like(like).index_add(0, at, values)


class Message(nn.Module):
    """Scalars and vectors [N, 3, C] from neighbours; vectors are mixed by a map whose bias may be zero at first."""

    def __init__(self, width, mixes=False, bias=False):
        super().__init__()
        self.gate, self.filter = nn.Linear(width, 3 * width), nn.Linear(1, 3 * width)
        self.mix = nn.Linear(width, width, bias=bias) if mixes else nn.Identity()
        if bias:
            nn.init.zeros_(self.mix.bias)

    def forward(self, x, v, apart, length, i, j):
        a, b, c = (self.gate(x)[j] * self.filter(length)).chunk(3, -1)
        message = v[j] * a.unsqueeze(1) + b.unsqueeze(1) * apart.unsqueeze(-1)
        added = self.mix(v) + summed(message, i, v)  # at fault: ZeroBias
        return x + summed(c, i, x), v + added


class Update(nn.Module):
    def __init__(self, width, bias):
        super().__init__()
        self.u, self.v = nn.Linear(width, width, bias=bias), nn.Linear(width, width, bias=bias)
        self.numbers = nn.Linear(2 * width, 3 * width)

    def forward(self, x, v):
        turned = self.u(v)  # at fault: BiasedVectors
        other = self.v(v)  # at fault: BiasedVectors
        a, b, c = self.numbers(torch.cat([other.norm(dim=1), x], -1)).chunk(3, -1)
        change = a.unsqueeze(1) * turned
        return x + b * (turned * other).sum(1) + c, v + change


class Network(nn.Module):
    bias, mixes = False, False

    def __init__(self, broken, layers=2, width=4):
        super().__init__()
        self.embed, self.head = nn.Embedding(5, width), nn.Linear(width, 1)
        zero_bias = broken and self.mixes
        self.messages = nn.ModuleList(Message(width, self.mixes, zero_bias) for _ in range(layers))
        self.updates = nn.ModuleList(Update(width, broken and self.bias) for _ in range(layers))

    def forward(self, kinds, positions, edges):
        i, j = edges
        x, apart = self.embed(kinds), positions[j] - positions[i]
        v, length = x.new_zeros(len(x), 3, x.shape[1]), apart.norm(dim=-1, keepdim=True)
        for message, update in zip(self.messages, self.updates, strict=True):
            x, v = update(*message(x, v, apart / (1 + length), length, i, j))
        return self.head(x).sum()


class BiasedVectors(Network):
    bias = True


class ZeroBias(Network):
    mixes = True


class Gate(nn.Module):
    def __init__(self, width, bias):
        super().__init__()
        self.first, self.second = nn.Linear(width, width, bias=bias), nn.Linear(width, width, bias=bias)

    def forward(self, v):
        lengths = self.first(v).norm(dim=1)  # at fault: BiasedGates
        return torch.sigmoid(lengths).unsqueeze(1) * self.second(v)  # at fault: BiasedGates


class BiasedGates(nn.Module):
    """Vector channels from differences of positions, gated twice."""

    def __init__(self, broken):
        super().__init__()
        self.spread = nn.Linear(1, 4, bias=False)
        self.gates = nn.ModuleList(Gate(4, broken) for _ in range(2))

    def forward(self, kinds, positions, edges):
        i, j = edges
        apart = positions[j] - positions[i]
        v = self.spread(summed(apart * apart.norm(dim=-1, keepdim=True), i, positions).unsqueeze(-1))
        for gate in self.gates:
            v = v + gate(v)
        return v.norm(dim=1).sum()


class Bent(nn.Module):
    """Two nonlinearities on components, in a layer that runs twice."""

    def __init__(self, broken):
        super().__init__()
        self.broken, self.mix = broken, nn.Linear(4, 4, bias=False)

    def step(self, v):
        up, down = self.mix(v), v
        if self.broken:
            up = up.tanh()  # at fault: Bent
            down = down + 0.3 * down.abs()  # at fault: Bent
        return up * down.norm(dim=1, keepdim=True) + up.norm(dim=1, keepdim=True) * down

    def forward(self, kinds, positions, edges):
        i, j = edges
        apart = positions[j] - positions[i]
        v = summed(apart / (1 + apart.square().sum(-1, keepdim=True)), i, positions).unsqueeze(-1).repeat(1, 1, 4)
        v = v * torch.arange(1.0, 5, dtype=v.dtype)
        return self.step(self.step(v)).norm(dim=1).sum()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("case", [BiasedVectors, ZeroBias, BiasedGates, Bent])
def test_the_statements_at_fault_are_named_and_no_others(case, seed):
    inputs = clouds(seed)
    report = eq.diagnose(case(broken=True), inputs, group="so3", seed=seed)
    lines = {f.location.line for f in report.findings if f.symmetry == "rotation"}
    assert lines == set(marked(case)), report


@pytest.mark.parametrize("case", [BiasedVectors, ZeroBias, BiasedGates, Bent])
def test_their_sound_twins_are_clean(case):
    assert eq.diagnose(case(broken=False), clouds(), group="so3").ok
