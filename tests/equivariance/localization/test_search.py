"""Statements at fault in several layers of a network that nobody declared: one that all of them run, or one in each."""

import inspect
import itertools

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal


class Layer(nn.Module):
    """Mixes channels of vectors, breaks what it is told to, and gates."""

    def __init__(self, breaks):
        super().__init__()
        self.breaks, self.weight = breaks, nn.Parameter(torch.randn(8, 8) / 3)

    def forward(self, v):
        v = torch.einsum("...ix,oi->...ox", v, self.weight)
        if "clip" in self.breaks:
            v = v.clamp(-0.5, 0.5)  # clip
        if "bias" in self.breaks:
            v = v + 0.1  # bias
        if "relu" in self.breaks:
            v = torch.relu(v)  # relu
        if "scale" in self.breaks:
            v = v * torch.tensor([1.0, 2, 1]).to(v)  # scale
        return v * torch.sigmoid(v.square().sum(-1, keepdim=True))


class Row(nn.Module):
    """Layers one after another, each added to what it was given."""

    def __init__(self, *breaks):
        super().__init__()
        self.layers, self.weight = nn.ModuleList(map(Layer, breaks)), nn.Parameter(torch.randn(8))

    def forward(self, pos):
        v = (pos - pos.mean(0))[:, None] * self.weight[:, None]
        for layer in self.layers:
            v = v + layer(v)
        return v.sum(1)


def lines():
    source, start = inspect.getsourcelines(Layer)
    return {text.split("# ")[1].strip(): start + n for n, text in enumerate(source) if "# " in text}


def diagnosed(breaks, seed):
    torch.manual_seed(seed)
    return eq.diagnose(Row(*breaks), normal(6, 3, seed=seed), "cartesian_points", "1x1o", group="so3", samples=3)


def told(report):
    return {(layer, f.location.line, f.located) for f in report.findings for layer in f.layers}


ROWS = [
    ("clip",),
    ("", "bias", ""),
    ("clip", "bias"),
    ("relu", "", "clip"),
    ("clip", "relu", "bias", "scale"),
    ("clip",) * 4,
    ("bias", "") * 4,
    ("relu",) * 10,
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("breaks", ROWS, ids="-".join)
def test_the_statement_is_named_in_every_layer_that_is_at_fault(breaks, seed):
    report = diagnosed(breaks, seed)
    assert told(report) == {(f"layers.{n}", lines()[b], "confirmed") for n, b in enumerate(breaks) if b}, report
    assert not any("breaks what goes into it" in f.evidence for f in report.findings)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("count", [1, 3])
def test_of_statements_in_a_row_the_last_is_named(count, seed):
    """The last statement breaks its value whatever the first does. The first shows once the last is repaired."""
    report = diagnosed(["clip bias"] * count, seed)
    assert told(report) == {(f"layers.{n}", lines()["bias"], "confirmed") for n in range(count)}, report
    first = f"; test_search.py:{lines()['clip']} breaks what goes into it, which shows once this statement is right"
    assert all(f.evidence.endswith(first) for f in report.findings), report


class Funnel(nn.Module):
    """Layers of a kind with fewer and fewer channels."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(Biased(i, o) for i, o in itertools.pairwise([1, 9, 7, 7, 2, 1]))

    def forward(self, pos):
        v = (pos - pos.mean(0))[:, None]
        for layer in self.layers:
            v = layer(v)
        return v.squeeze(1)


class Biased(nn.Module):
    """A linear map of vectors, and a bias on their components."""

    def __init__(self, before, after):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(after, before)), nn.Parameter(torch.randn(after, 1))

    def forward(self, v):
        v = torch.einsum("nix,oi->nox", v, self.weight)
        v = v + self.bias
        return v / (1 + v.square().sum(-1, keepdim=True))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_layers_of_a_kind_may_differ_in_their_channels(seed):
    torch.manual_seed(seed)
    report = eq.diagnose(Funnel(), normal(6, 3, seed=seed), "cartesian_points", "1x1o", group="so3", samples=3)
    assert {(layer, f.location.source.strip(), f.located) for f in report.findings for layer in f.layers} == {
        (f"layers.{n}", "v = v + self.bias", "confirmed") for n in range(5)
    }, report


class Centred(nn.Module):
    """Takes the mean off pseudoscalars and adds a bias, as is right for scalars (BatchNorm of e3nn 0.3.2)."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(4))

    def forward(self, x):
        x = x - torch.linspace(1, 2, 4)
        return x + self.bias


def test_what_is_put_right_under_inversion_tells_nothing_of_rotations():
    torch.manual_seed(0)
    report = eq.diagnose(Centred(), normal(6, 4), "4x0o", "4x0o", group="o3", samples=3)
    (finding,) = report.findings
    assert (finding.symmetry, finding.cause, finding.located) == ("inversion", "wrong-irrep", "confirmed")
    assert "rotations are respected" in finding.evidence


class Wrapped(Exception):
    """An error of a library that wraps the errors of its operations, as generated code does."""


class Wrapping(nn.Module):
    """Splits what a broken statement gives, and turns each error into one of its own class."""

    def forward(self, v):
        made = v + 0.1 * v.abs()  # wrapped
        try:
            first, second = made.split([2, len(made) - 2])
            if not torch.equal(first, made[:2]):
                raise RuntimeError("split")
            return torch.cat([first, second])
        except RuntimeError as error:
            raise Wrapped(str(error)) from error


def test_a_replacement_that_the_code_rejects_with_its_own_error_ends_no_search():
    (finding,) = eq.diagnose(Wrapping(), normal(6, 3), "1x1o", "1x1o", group="so3").findings
    assert finding.location.source.startswith("made = v + 0.1 * v.abs()")
