"""Axes that nobody declared, told by their lengths from those of the declared inputs."""

import pytest
import torch
from e3nn import o3
from torch import Tensor, nn

import equivariance as eq
from equivariance import Irreps
from equivariance.contracts.axes_by_length import known_axes, with_axes_by_length
from equivariance.errors import ArgumentError
from equivariance.groups import permutation, samples
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

SAMPLES, NODES = 3, 5
BATCHED = Irreps("2x0e + 1x1o", nodes=1, batch=0)


class Features(nn.Module):
    """Within it the tensors are (3, 5, channels), (15, channels) or (3, channels): no layer says which."""

    def __init__(self, form: str, mixing: str = "") -> None:
        super().__init__()
        self.linear = o3.Linear("2x0e + 1x1o", "2x0e + 1x1o")
        self.form, self.mixing = form, mixing

    def forward(self, features: Tensor) -> Tensor:
        hidden = features.flatten(0, 1) if self.form == "flat" else features
        hidden = hidden.mean(1) if self.form == "pooled" else hidden
        hidden = self.linear(hidden)
        if self.mixing == "nodes":
            hidden = hidden + hidden[..., :1, :]
        if self.mixing == "samples":
            hidden = hidden + hidden.mean(0)
        if self.form == "pooled":
            hidden = hidden[:, None].expand(features.shape)
        return hidden.reshape(features.shape)


def diagnosed(module, **options):
    given = normal(SAMPLES, NODES, 5)
    return eq.diagnose(module, (given,), (BATCHED,), BATCHED, group=["permutation", "batch"], samples=3, **options)


@pytest.mark.parametrize("form", ["batched", "flat", "pooled"])
def test_layers_that_declare_no_axes_are_followed(form):
    report = diagnosed(Features(form))
    assert report.ok, report
    assert {(row.layer, row.symmetry) for row in report.layers} >= {("linear", "permutation"), ("linear", "batch")}
    assert not [line for line in report.assumptions if "not known" in line]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "mixing", "cause", "symmetry"),
    [
        ("batched", "nodes", "order-dependent", "permutation"),
        ("batched", "samples", "batch-coupled", "batch"),
        ("pooled", "samples", "batch-coupled", "batch"),
    ],
)
def test_a_break_beside_such_layers_is_not_theirs(form, mixing, cause, symmetry):
    report = diagnosed(Features(form, mixing))
    assert [(f.layer, f.cause, f.symmetry) for f in report.findings] == [("", cause, symmetry)], report


class Sliced(nn.Module):
    """Its layer sees fewer nodes than there are."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = o3.Linear("2x0e + 1x1o", "2x0e + 1x1o")

    def forward(self, features: Tensor) -> Tensor:
        return features + self.linear(features[:, :4]).sum(1, keepdim=True)


@pytest.mark.slow
def test_a_layer_of_another_length_is_its_callers_code():
    report = diagnosed(Sliced())
    assert [(f.layer, f.symmetry) for f in report.findings] == [("", "permutation")], report
    assert any("linear" in line and "not known" in line for line in report.assumptions), report.assumptions


KNOWN = known_axes([("features", normal(SAMPLES, NODES, 5), BATCHED)])


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((SAMPLES, NODES, 7), (1, 0)), ((SAMPLES, 7), (None, 0)), ((), (None, None))],
)
def test_lengths_tell_axes(shape, axes):
    placed = Irreps("1x0e").with_axes_by_length(KNOWN).with_axes_of(torch.zeros(shape))
    assert (placed.nodes, placed.batch) == axes


def test_components_are_not_nodes():
    told = Irreps("2x0e + 1x1o").with_axes_by_length(KNOWN).with_axes_of(torch.zeros(SAMPLES, NODES))
    assert (told.nodes, told.batch) == (None, 0)
    told = eq.Invariant().with_axes_by_length(KNOWN).with_axes_of(torch.zeros(SAMPLES, NODES))
    assert (told.nodes, told.batch) == (1, 0)


def test_lengths_that_agree_with_nothing_are_refused():
    with pytest.raises(ArgumentError, match="axis as long as one that is declared"):
        Irreps("1x0e").with_axes_by_length(KNOWN).transform(torch.zeros(4, 7, 1), permutation([1, 0, 2, 3, 4]))


def test_nodes_of_all_samples_on_one_axis_move_together():
    flat = torch.arange(SAMPLES * NODES, dtype=torch.float64)[:, None]
    told = Irreps("1x0e").with_axes_by_length(KNOWN)
    moved = told.transform(flat, samples([2, 0], of=SAMPLES))
    assert moved[:, 0].tolist() == [*range(10, 15), *range(5)]


def test_declared_axes_stay():
    contract = eq.Contract({"x": Irreps("1x0e", nodes=2, batch=1), "y": Irreps("1x0e")}, Irreps("1x0e"))
    told = with_axes_by_length(contract, KNOWN)
    assert (told.inputs["x"].nodes, told.inputs["x"].batch) == (2, 1)
    assert told.inputs["y"].guesses
    assert told.output.guesses
