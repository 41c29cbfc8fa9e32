"""Networks as strangers write them: what the harness did not know of must not hide a break, or invent one."""

import pytest
import torch
from e3nn import o3
from torch import nn

import equivariance as eq
from equivariance import CartesianPoints, Concatenated, Contract, Invariant, Irreps, NodeIndices
from tests.equivariance.helpers.specimens import Applied, Scale, Stack, normal

VECTORS = normal(6, 4, 3)
POINTS = normal(9, 3)


def told(report):
    return {(layer, symmetry, f.cause) for f in report.findings for layer in f.layers for symmetry in f.symmetries}


class Inference(Stack):
    @torch.inference_mode()
    def forward(self, x):
        return super().forward(x)


def test_networks_in_inference_mode_are_followed():
    """Torch does not count changes in place there."""
    sound = eq.diagnose(Inference(Scale(), Scale(seed=1)), VECTORS, "1x1o", "1x1o", group="o3", samples=2)
    assert sound.ok, sound
    assert not sound.notes
    broken = Inference(Scale(), Applied(lambda x: x.mul_(2).add_(0.1)), Scale(seed=1))
    report = eq.diagnose(broken, VECTORS, "1x1o", "1x1o", group="so3", samples=2)
    assert told(report) == {("layers.1", "rotation", "component-mixing")}
    assert [(f.layer, f.cause) for f in report.notes] == [("layers.1", "nondeterministic")]


class Cubed(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.weight * x**3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("made", [torch.jit.script, lambda module: torch.jit.trace(module, VECTORS)])
def test_torchscript_networks_are_checked_as_a_whole(made):
    network = made(Cubed())
    report = eq.diagnose(network, (VECTORS,), ("1x1o",), "1x1o", group="o3", samples=2)
    assert told(report) == {("", "rotation", "component-mixing")}
    assert report.findings[0].location is None
    assert report.subject == "Cubed"
    assert torch.equal(network.weight, torch.ones(1))


class Gathering(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Applied(lambda x: x + 0.1)

    def forward(self, x, **options):
        return self.inner(x) * options["gain"]


@pytest.mark.parametrize("irreps_in", [{"x": "1x1o", "gain": None}, {"x": "1x1o", "options": {"gain": None}}])
def test_what_kwargs_collect_is_declared_by_name(irreps_in):
    gain = {"gain": torch.tensor(2.0)}
    report = eq.diagnose(Gathering(), (VECTORS,), irreps_in, "1x1o", kwargs=gain, group="so3", samples=2)
    assert told(report) == {("inner", "rotation", "component-mixing")}


class Pairs(nn.Module):
    """Sound: messages of all pairs of nodes, scaled by a layer that works on each pair."""

    def __init__(self):
        super().__init__()
        self.linear = o3.Linear("1x1o", "2x1o")

    def forward(self, x):
        return self.linear(x.unsqueeze(-2) - x.unsqueeze(-3)).tanh().square().sum((-1, -2))


@pytest.mark.parametrize(
    ("inputs", "irreps_in", "irreps_out"),
    [
        (POINTS, "cartesian_points", None),
        (normal(2, 9, 3), CartesianPoints(nodes=1, batch=0), Invariant(nodes=1, batch=0)),
    ],
)
def test_pairs_of_nodes_are_not_taken_for_nodes(inputs, irreps_in, irreps_out):
    """Both axes follow the nodes, so that the layer cannot be followed by one of them."""
    report = eq.diagnose(Pairs(), inputs, irreps_in, irreps_out, group="permutation", samples=2)
    assert report.ok
    assert not report.notes
    assert any("linear are not known by their lengths" in line for line in report.assumptions)


class Hidden(Scale):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return super().forward(x) + self.bias


def test_the_summary_shows_a_break_that_the_given_weights_hide():
    contracts = {"layers.*": Contract({"x": "1x1o"}, "1x1o")}
    network = Stack(Scale(), Hidden())
    report = eq.diagnose(network, VECTORS, "1x1o", "1x1o", group="so3", contracts=contracts, samples=3)
    (whole,) = [row for row in report.layers if row.layer == ""]
    assert report.findings[0].state == "perturbed weights, eval mode"
    assert whole.accumulated > 1e-3
    assert whole.reached_working > 1e-3


def pooled(x, sample):
    """Sums over the nodes of each sample, as graph libraries do it."""
    return x.new_zeros(int(sample.max()) + 1, 3).index_add(0, sample, x)


def test_numbers_of_samples_follow_selections():
    """A vector that says to which sample each node belongs: one number per sample, which no permutation renumbers."""
    layout = Concatenated(0, (5, 5))
    sample = NodeIndices(nodes=0, batch=layout, permuted=False, per_sample=1)
    inputs, spec = (normal(10, 3), torch.arange(2).repeat_interleave(5)), Irreps("1x1o", nodes=0, batch=layout)
    out = Irreps("1x1o", nodes=None, batch=0)
    report = eq.check(pooled, inputs, (spec, sample), out, group=["so3", "permutation", "batch"], samples=4)
    assert report.ok, report
    wrong = eq.check(lambda x, s: pooled(x - x.mean(0), s), inputs, (spec, sample), out, group="batch", samples=4)
    assert told(wrong) == {("", "batch", "batch-coupled")}


class Gates(nn.Module):
    """Gates that start near one, as many do: rows of the same numbers, but for a few in a million."""

    def __init__(self):
        super().__init__()
        self.gate, self.map = nn.Linear(8, 8), nn.Linear(8, 8)
        nn.init.normal_(self.gate.weight, std=1e-7)
        nn.init.ones_(self.gate.bias)

    def forward(self, x):
        return self.map(x) * self.gate(x)


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_are_nearly_alike_follow_the_nodes_all_the_same(seed):
    torch.manual_seed(seed)
    report = eq.diagnose(nn.Sequential(Gates(), Gates()), normal(6, 8, seed=seed), [None], None, group="permutation")
    assert report.ok, report
    assert not report.notes, report
