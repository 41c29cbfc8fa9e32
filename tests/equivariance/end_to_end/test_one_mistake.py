"""One mistake is one finding, at the user's statement, with every layer and symmetry that shows it."""

import inspect

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance._engine.causes.explain import explain
from equivariance._engine.diagnosis import localizer
from equivariance.report.words import expression_at
from tests.equivariance.helpers.specimens import normal

VECTORS = normal(10, 4, 3)
POINTS = eq.CartesianPoints(nodes=0, batch=None)


def lines_at(mark):
    """The numbers of the lines of this file that end in a mark."""
    source = inspect.getsource(inspect.getmodule(lines_at)).splitlines()
    return [number for number, line in enumerate(source, 1) if line.endswith(f"# {mark}")]


def found_in(network, group="so3", inputs=VECTORS, law="1x1o"):
    torch.manual_seed(0)
    return eq.diagnose(network, inputs, law, law, group=group, samples=4).findings


class Dropped(nn.Module):
    """Drops components after a map of channels."""

    def __init__(self, drop=nn.Dropout):
        super().__init__()
        self.lin, self.drop = nn.Linear(4, 4, bias=False), drop(0.25)

    def forward(self, v):
        return v + self.drop(self.lin(v.mT).mT)  # dropped


class DroppedVectors(nn.Module):
    """Drops whole vectors: a dropout that is sound."""

    def __init__(self, share):
        super().__init__()
        self.drop = nn.Dropout(share)

    def forward(self, v):
        return v * self.drop(torch.ones_like(v[..., :1]))


@pytest.mark.parametrize("depth", [1, 3])
def test_a_dropout_is_one_finding_at_the_statement_that_calls_it(depth):
    (finding,) = found_in(nn.Sequential(*[Dropped() for _ in range(depth)]))
    assert (finding.location.line, finding.located) == (lines_at("dropped")[0], "confirmed")
    assert set(finding.layers) == {f"{i}.drop" for i in range(depth)}
    assert expression_at(finding.location) == "self.drop(self.lin(v.mT).mT)"
    assert "a mask" in finding.evidence


def test_a_dropout_of_whole_vectors_is_sound_in_every_layer():
    assert not found_in(nn.Sequential(*[Dropped(DroppedVectors) for _ in range(3)]))


class Noisy(nn.Module):
    """Adds noise, whose components know no rotation; not the first layer that draws."""

    def forward(self, v):
        return v + v.norm() * torch.rand(v.shape, dtype=v.dtype) * self.training  # noisy


def test_noise_behind_a_sound_dropout_is_found_at_its_statement():
    (finding,) = found_in(nn.Sequential(DroppedVectors(0.25), Noisy(), nn.Identity()))
    assert (finding.location.line, finding.located) == (lines_at("noisy")[0], "confirmed")


def shifted(v):
    return v + 0.1 * v.norm(dim=-1, keepdim=True)  # shifted


class Shifting(nn.Module):
    def forward(self, v):
        return 2 * shifted(v)  # caller of shifted


class ShiftingTwice(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Shifting()

    def forward(self, v):
        return self.inner(v) - v


def test_a_helper_function_is_named_with_the_statement_that_calls_it():
    (finding,) = found_in(nn.Sequential(Shifting(), ShiftingTwice()), "o3")
    assert finding.location.line == lines_at("shifted")[0]
    assert set(finding.symmetries) == {"rotation", "inversion"}
    assert set(finding.layers) == {"0", "1.inner"}
    caller = f"tests/equivariance/end_to_end/test_one_mistake.py:{lines_at('caller of shifted')[0]}"
    assert finding.chain == f"{finding.layer} at {caller}"


class Shared(nn.Module):
    """A layer of which the callers declare the contract; what it consists of has none."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({"edge": Biased()})

    def forward(self, v):
        return self.parts["edge"](v)


class Biased(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.ones(3))

    def forward(self, v):
        return v + self.bias  # biased


def test_the_chain_names_the_module_inside_of_the_layer():
    vectors = eq.Contract({"v": "1x1o"}, "1x1o")
    network = nn.Sequential(nn.Identity(), Shared())
    report = eq.diagnose(network, VECTORS, "1x1o", "1x1o", group="o3", samples=4, contracts={"1": vectors})
    (finding,) = report.findings
    assert finding.location.line == lines_at("biased")[0]
    assert (finding.layers, finding.chain) == (("1",), "1.parts.edge")


class RawCoordinates(nn.Module):
    """Puts coordinates, or distances to all nodes, into a map of features."""

    def __init__(self, sound):
        super().__init__()
        self.sound, self.weight = sound, nn.Parameter(torch.randn(10 if sound else 3, 8))

    def forward(self, pos):
        features = torch.cdist(pos, pos).sort().values if self.sound else pos
        return torch.tanh(features @ self.weight + 1.0)  # raw


@pytest.mark.parametrize("sound", [True, False])
def test_raw_coordinates_in_a_map_are_one_mistake_under_all_motions(sound):
    torch.manual_seed(0)
    network, kept = RawCoordinates(sound), eq.Invariant(nodes=0, batch=None)
    findings = eq.diagnose(network, normal(10, 3), POINTS, kept, group="e3", samples=4).findings
    if sound:
        assert not findings
        return
    (finding,) = findings
    assert finding.location.line == lines_at("raw")[0]
    assert set(finding.symmetries) == {"translation", "rotation", "inversion"}


class TwoMistakes(nn.Module):
    """Mixes components in one expression, and reads node numbers in another one of the same statement."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 3))

    def forward(self, v):
        places = torch.arange(len(v)).to(v)
        return v @ self.weight + torch.einsum("nci,n->nci", v, places)  # two mistakes


def test_two_mistakes_in_one_statement_stay_two():
    findings = found_in(TwoMistakes(), ["so3", "permutation"], law=eq.Irreps("1x1o", nodes=0, batch=None))
    assert {f.location.line for f in findings} == set(lines_at("two mistakes"))
    assert {(f.symmetries, expression_at(f.location)) for f in findings} == {
        (("rotation",), "v @ self.weight"), (("permutation",), 'torch.einsum("nci,n->nci", v, places)'),
    }  # fmt: skip


def test_experiments_are_made_once_for_layers_that_run_one_statement(monkeypatch):
    explained = []

    def counting(experiment, *more):
        explained.append(experiment.owner.layer)
        return explain(experiment, *more)

    monkeypatch.setattr(localizer, "explain", counting)
    (finding,) = found_in(nn.Sequential(*[Dropped() for _ in range(3)]))
    assert explained == [finding.layer]
    assert len(finding.layers) == 3


class BatchNorm(nn.Module):
    """Normalizes each sample; without a batch vector all nodes are one sample."""

    def forward(self, x, batch=None):
        batch = torch.zeros(len(x), dtype=torch.long) if batch is None else batch
        count = torch.bincount(batch).to(x)[:, None]
        mean = torch.zeros(len(count), x.shape[1]).to(x).index_add(0, batch, x) / count
        centred = x - mean[batch]
        variance = torch.zeros_like(mean).index_add(0, batch, centred * centred) / count
        return centred / (variance[batch] + 1e-5).sqrt()


class Pooled(nn.Module):
    def __init__(self, passed):
        super().__init__()
        self.norm, self.lin, self.passed = BatchNorm(), nn.Linear(4, 4), passed

    def forward(self, data):
        h = self.norm(self.lin(data.x), data.batch if self.passed else None)  # forgotten
        return torch.zeros(data.num_graphs, 4).to(h).index_add(0, data.batch, h.relu())


@pytest.mark.parametrize("passed", [True, False])
def test_a_forgotten_batch_vector_is_one_finding_at_the_call(passed):
    data = pytest.importorskip("torch_geometric.data", reason="makes batches of graphs")
    torch.manual_seed(0)
    batch = data.Batch.from_data_list([data.Data(x=torch.randn(n, 4)) for n in (5, 7, 6)])
    takes, gives = {"data": {"x": None}}, eq.Invariant(nodes=None, batch=0)
    findings = eq.diagnose(Pooled(passed), (batch,), takes, gives, group="batch", samples=4).findings
    if passed:
        assert not findings
        return
    (finding,) = findings
    assert (finding.location.line, finding.mechanism) == (lines_at("forgotten")[0], "missing-batch-vector")
    assert "breaks what goes into it" not in finding.evidence
