"""A mistake that several statements could explain: the report says so, or another symmetry decides."""

import inspect

import pytest
import torch
from torch import nn

import equivariance as eq


def lines_at(mark):
    """The numbers of the lines of this file that end in a mark."""
    source = inspect.getsource(inspect.getmodule(lines_at)).splitlines()
    return [number for number, line in enumerate(source, 1) if line.endswith(f"# {mark}")]


class Network(nn.Module):
    """Returns vectors; `back` is False in a broken network."""

    law = "1x1o"

    def __init__(self, back):
        super().__init__()
        self.back = back


class Fractions(Network):
    """Vectors from fractional differences [N, 3] of a crystal; `back` turns them into Cartesian ones."""

    def forward(self, pos, cell):
        frac = pos @ torch.linalg.inv(cell)
        d = frac[:, None] - frac[None]
        d = d - d.round()
        r2 = (d @ cell).square().sum(-1, keepdim=True)
        out = (torch.exp(-r2) * d).sum(1)  # at fault: Fractions
        return out @ cell if self.back else out


class Coefficients(Network):
    """Smooths vectors by their coefficients in a basis given beside them."""

    def forward(self, pos, cell):
        v = pos - pos.mean(0)
        c = torch.linalg.solve(cell.T, v.T).T
        size = v.norm(dim=-1, keepdim=True)
        out = torch.tanh(c) * size + 0.1 * (c * size).sum(0)  # at fault: Coefficients
        return out @ cell if self.back else out


class Lengths(Network):
    """Directions that are scaled by a function of the length."""

    def forward(self, pos, cell):
        v = pos - pos.mean(0)
        size = v.norm(dim=-1, keepdim=True)
        gate = torch.cos(size) * torch.ones_like(v)  # at fault: Lengths
        return gate * v if self.back else gate


def arguments():
    torch.manual_seed(0)
    cell = 3 * torch.eye(3) + 0.2 * torch.randn(3, 3)
    return torch.rand(7, 3) @ cell, cell


def diagnosed(network, group):
    torch.manual_seed(0)
    return eq.diagnose(network, arguments(), ["cartesian_points", "1x1o"], network.law, group=group)


@pytest.mark.parametrize("kind", [Fractions, Coefficients])
def test_rotation_decides_what_inversion_leaves_open(kind):
    (finding,) = diagnosed(kind(back=False), "e3").findings
    assert set(finding.symmetries) == {"rotation", "inversion"}
    assert ([finding.location.line], finding.located) == (lines_at(f"at fault: {kind.__name__}"), "confirmed")
    assert finding.alternatives == ()


@pytest.mark.parametrize("kind", [Fractions, Coefficients])
def test_inversion_alone_leaves_the_statement_open(kind):
    """Everything is even, where the output should be odd: each statement of the chain could have made it odd."""
    (finding,) = diagnosed(kind(back=False), "inversion").findings
    lines = {finding.location.line, *(other.line for other in finding.alternatives)}
    assert finding.located == "suspect"
    assert len(lines) > 1
    assert set(lines_at(f"at fault: {kind.__name__}")) <= lines


def test_scalars_in_the_place_of_vectors_are_one_finding():
    (finding,) = diagnosed(Lengths(back=False), "o3").findings
    lines = {finding.location.line, *(other.line for other in finding.alternatives)}
    assert set(lines_at("at fault: Lengths")) <= lines
    assert (finding.located == "confirmed") == (len(lines) == 1)


@pytest.mark.parametrize("kind", [Fractions, Coefficients, Lengths])
def test_the_sound_twins_are_clean(kind):
    assert diagnosed(kind(back=True), "e3").ok
