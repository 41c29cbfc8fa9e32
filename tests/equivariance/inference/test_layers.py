"""Layers that state how one argument and their output transform, among arguments of which they say nothing."""

import inspect

import pytest
import torch
from e3nn import o3
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

HIDDEN = "4x0e+2x1o"
NODES = 6
EDGES = torch.tensor([[i, j] for i in range(NODES) for j in range(NODES) if i != j]).T


class Convolution(nn.Module):
    """Tensor products with the harmonics of edges; the irreps are those of ``features`` and of what is returned."""

    def __init__(self, irreps_in, defect):
        super().__init__()
        self.irreps_in, self.irreps_out, self.defect = o3.Irreps(irreps_in), o3.Irreps(HIDDEN), defect
        self.product = o3.FullyConnectedTensorProduct(irreps_in, "1x0e+1x1o", HIDDEN)

    def forward(self, features, pos, source, target):
        edges = pos[target] - pos[source]
        harmonics = o3.spherical_harmonics("1x0e+1x1o", edges, True) * torch.exp(-edges.norm(dim=-1, keepdim=True))
        messages = self.product(features[source], harmonics)
        if self.defect:
            messages = messages.relu()  # at fault
        return torch.zeros(len(pos), messages.shape[-1]).to(messages).index_add(0, target, messages)


class Network(nn.Module):
    """Two convolutions, of which the first may be broken, and a linear layer whose result is returned as it is."""

    def __init__(self, defect):
        super().__init__()
        self.first, self.second = Convolution("3x0e", defect), Convolution(HIDDEN, False)
        self.out = o3.Linear(HIDDEN, "1x0e+1x1o")

    def forward(self, kinds, pos, edge_index):
        source, target = edge_index
        features = self.first(kinds, pos, source, target)
        return {"made": self.out(self.second(features, pos, source, target))}


def diagnosed(defect, seed):
    torch.manual_seed(seed)
    arguments = (nn.functional.one_hot(torch.arange(NODES) % 3, 3).float(), normal(NODES, 3, seed=seed), EDGES)
    inputs = {"kinds": None, "pos": "cartesian_points", "edge_index": eq.NodeIndices(nodes=None)}
    return eq.diagnose(Network(defect), arguments, inputs, group="o3", samples=3, seed=seed)


SEEDS = range(4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_layer_states_is_kept_and_the_rest_is_inferred(seed):
    report = diagnosed(False, seed)
    assert report.ok, report
    words = "first states how features and its output transform; pos, source, target inferred from the runs"
    assert words in report.assumptions


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_break_in_one_is_not_blamed_on_the_next(seed):
    report = diagnosed(True, seed)
    lines, start = inspect.getsourcelines(Convolution)
    line = start + next(i for i, text in enumerate(lines) if text.endswith("# at fault\n"))
    assert {(layer, f.location.line, f.located) for f in report.findings for layer in f.layers} == {
        ("first", line, "confirmed")
    }, report


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_last_layer_states_is_not_guessed(seed):
    """Broken as it is, the output may be nearer to no change at all than to its own law."""
    line = next(line for line in diagnosed(True, seed).assumptions if line.startswith("output"))
    assert line.startswith("output['made'] [6, 4]: 1x0e+1x1o (stated by out; closest: off by")


class Turned(nn.Module):
    """Nobody says that it takes and gives vectors."""

    def forward(self, edges):
        return 2 * edges / (1 + edges.square().sum(-1, keepdim=True))


class OfEdges(nn.Module):
    """Stated for vectors of edges, of which there are more than nodes."""

    irreps_in = irreps_out = o3.Irreps("1x1o")

    def __init__(self):
        super().__init__()
        self.inner = Turned()

    def forward(self, edges):
        return self.inner(edges)


class Messages(nn.Module):
    """Vectors of nodes, from those of edges."""

    def __init__(self, again=False):
        super().__init__()
        self.of_edges, self.again = OfEdges(), again

    def forward(self, pos, edge_index):
        source, target = edge_index
        made = torch.zeros_like(pos).index_add(0, target, self.of_edges(pos[source] - pos[target]))
        return self.of_edges.inner(made) if self.again else made


@pytest.mark.parametrize("again", [False, True])
def test_layers_that_are_seen_under_some_symmetries_only_are_not_inferred_from_these(again):
    """Numbers of edges tell no axis of nodes, so that under permutations the stated layer counts as its caller's code.

    Its insides are seen then, and not under rotations: that permutations leave them alone says nothing of rotations.
    """
    inputs = ["cartesian_points", eq.NodeIndices(nodes=None)]
    report = eq.diagnose(Messages(again), (normal(NODES, 3), EDGES), inputs, "1x1o", group=["e3", "permutation"])
    assert report.ok, report
    assert not report.notes, report
    assert any("of_edges" in line and "not known by their lengths" in line for line in report.assumptions)
