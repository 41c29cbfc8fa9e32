"""Budgets of passes for sound networks whose representations are declared, with 8 samples of each symmetry.

Passes are calls of the network's `forward`, whatever the harness runs it for. Runs of single layers count by their
share of the layers.
"""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from e3nn import o3
from torch import nn

import equivariance as eq
from equivariance import CartesianPoints, Grid, Invariant, Irreps

IRREPS = o3.Irreps("4x0e+4x1o+2x2e")
POINTS, NODES = CartesianPoints(nodes=0, batch=None), Invariant(nodes=0, batch=None)
MOTIONS = ("translation", "rotation", "inversion")


def check_budget(symmetries):
    return 12 * symmetries + 20


def diagnose_budget(symmetries):
    return 25 * symmetries + 40


def mlp(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 12), nn.SiLU(), nn.Linear(12, outputs))


class Network(nn.Module):
    """Counts the passes of all copies, by weights, mode and precision, and the calls of layers."""

    passes: ClassVar[Counter] = Counter()
    calls = 0
    given: torch.Tensor | None = None

    def forward(self, *args):
        weights = next(self.parameters())
        given = Network.given is None or torch.equal(weights.float(), Network.given)
        Network.passes["given" if given else "perturbed", "train" if self.training else "eval", weights.dtype] += 1
        return self.run(*args)


class Layer(nn.Module):
    """Counts the calls of all copies."""

    def forward(self, *args):
        Network.calls += 1
        return self.run(*args)


class Invariants(Network):
    """A function of the distances; a last layer that starts at zero, or batch statistics and dropout."""

    def __init__(self, zero=False, chance=False):
        super().__init__()
        self.f = mlp(1, 3)
        self.last = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.3)) if chance else nn.Identity()
        if zero:
            nn.init.zeros_(self.f[2].weight)
            nn.init.zeros_(self.f[2].bias)

    def run(self, x):
        return self.last(self.f((x[:, None] - x).square().sum(-1, keepdim=True).sum(1).sqrt()))


class GraphLayer(Layer):
    def __init__(self):
        super().__init__()
        self.message, self.weight, self.update = mlp(9, 8), mlp(8, 1), mlp(12, 4)

    def run(self, h, x):
        edges, count = x[:, None] - x, len(x)
        pairs = [h[:, None].expand(-1, count, -1), h.expand(count, -1, -1), edges.square().sum(-1, keepdim=True)]
        messages = self.message(torch.cat(pairs, -1))
        return h + self.update(torch.cat([h, messages.mean(1)], -1)), x + (self.weight(messages) * edges).mean(1)


class GraphNet(Network):
    def __init__(self, depth):
        super().__init__()
        self.layers = nn.ModuleList(GraphLayer() for _ in range(depth))

    def run(self, h, x):
        for layer in self.layers:
            h, x = layer(h, x)
        return h, x


class TensorLayer(Layer):
    """A tensor product of e3nn: its constants have the precision in which it was built."""

    def __init__(self):
        super().__init__()
        self.irreps_in = self.irreps_out = IRREPS
        self.product = o3.FullyConnectedTensorProduct(IRREPS, "1x0e+1x1o+1x2e", IRREPS)

    def run(self, features, x, source, target):
        edges = x[target] - x[source]
        harmonics = o3.spherical_harmonics("1x0e+1x1o+1x2e", edges, True) * torch.exp(-edges.norm(dim=-1, keepdim=True))
        messages = self.product(features[source], harmonics)
        return features + torch.zeros_like(features).index_add(0, target, messages) / 8


class TensorNet(Network):
    def __init__(self, depth):
        super().__init__()
        self.layers = nn.ModuleList(TensorLayer() for _ in range(depth))

    def run(self, features, x, source, target):
        for layer in self.layers:
            features = layer(features, x, source, target)
        return features


class Blur(Network):
    """A circular convolution that is symmetric under the square."""

    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(1, 1, 3, 3))

    def run(self, image):
        turned = [self.kernel.rot90(turns, (2, 3)) for turns in range(4)]
        kernel = sum([*turned, *(k.flip(3) for k in turned)]) / 8
        padded = nn.functional.pad(image, (1, 1, 1, 1), mode="circular")
        return torch.tanh(nn.functional.conv2d(padded, kernel))


@dataclass(frozen=True)
class Case:
    make: type
    args: tuple
    irreps_in: tuple
    irreps_out: object
    group: object
    depth: int = 0


def cases():
    generator = torch.Generator().manual_seed(0)
    x, h = torch.randn(12, 3, generator=generator), torch.randn(12, 4, generator=generator)
    features, edges = torch.randn(12, 26, generator=generator), torch.randint(0, 12, (2, 40), generator=generator)
    image, field = torch.randn(2, 1, 8, 8, generator=generator), Grid(irreps="1x0e", axes=(2, 3), periodic=True)
    clouds, irreps = ((x,), (POINTS,), NODES), Irreps(str(IRREPS), nodes=None)
    graph = (h, x), (NODES, POINTS), (NODES, POINTS)
    tensors = (features, x, *edges), (irreps, "cartesian_points", None, None), irreps
    lists = [*MOTIONS, "permutation"]
    return {
        "invariants": Case(Invariants, *clouds, lists),
        "zero at the start": Case(lambda: Invariants(zero=True), *clouds, lists),
        "statistics and dropout": Case(lambda: Invariants(chance=True), *clouds, MOTIONS),
        "graph network": Case(lambda: GraphNet(2), *graph, lists, 2),
        "deep graph network": Case(lambda: GraphNet(8), *graph, lists, 8),
        "tensor products": Case(lambda: TensorNet(2), *tensors, MOTIONS, 2),
        "more tensor products": Case(lambda: TensorNet(4), *tensors, MOTIONS, 4),
        "image": Case(Blur, (image,), (field,), field, "lattice"),
    }


CASES = cases()


def counted(case, dtype, function, **options):
    """Returns the report, the passes and the calls of layers per layer."""
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)  # constants that are cast later would be rounded to float32
    try:
        network = case.make()
    finally:
        torch.set_default_dtype(torch.float32)
    args = tuple(a.to(dtype) if a.is_floating_point() else a for a in case.args)
    Network.passes, Network.calls, Network.given = Counter(), 0, next(network.parameters()).detach().float().clone()
    group = list(case.group) if isinstance(case.group, (list, tuple)) else case.group
    report = function(network, args, case.irreps_in, case.irreps_out, group=group, samples=8, **options)
    assert report.ok, report
    assert {v.verdict for v in report.verdicts} == {"holds"}
    return report, Network.passes, Network.calls / case.depth if case.depth else 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_a_check_stays_within_its_budget(name, dtype):
    report, passes, layers = counted(CASES[name], dtype, eq.check)
    assert max(passes.total(), layers) <= check_budget(len(report.verdicts))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_a_diagnosis_of_a_sound_network_stays_within_its_budget(name, dtype):
    report, passes, layers = counted(CASES[name], dtype, eq.diagnose)
    assert max(passes.total(), layers) <= diagnose_budget(len(report.verdicts))


def test_passes_do_not_depend_on_the_depth():
    for one, other in (("graph network", "deep graph network"), ("tensor products", "more tensor products")):
        found = [counted(CASES[name], torch.float64, eq.diagnose)[1].total() for name in (one, other)]
        assert found[0] == found[1]


@pytest.mark.parametrize("name", ["statistics and dropout", "graph network"])
@pytest.mark.parametrize("function", [eq.check, eq.diagnose])
def test_each_state_is_measured_twice_under_each_symmetry(name, function):
    report, passes, _ = counted(CASES[name], torch.float32, function)
    symmetries = len(report.verdicts)
    modes = ("eval", "train") if name.startswith("statistics") else ("eval",)
    for weights in ("given", "perturbed"):
        for mode in modes:
            assert passes[weights, mode, torch.float64] >= 2 * symmetries
    assert sum(n for (_, _, dtype), n in passes.items() if dtype == torch.float32) >= 2 * symmetries


def test_a_look_at_few_layers_runs_the_whole_network_less_often():
    whole, few = (
        counted(CASES["deep graph network"], torch.float64, eq.diagnose, layers=pattern)[1].total()
        for pattern in (None, "layers.3.message")
    )
    assert few < 0.75 * whole
