"""Components and angles that are handed over one by one: the call is named, and not what made them."""

import inspect

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal


def lines_at(mark):
    """The numbers of the lines of this file that end in a mark."""
    source = inspect.getsource(inspect.getmodule(lines_at)).splitlines()
    return [number for number, line in enumerate(source, 1) if line.endswith(f"# {mark}")]


def unit(polar, azimuth):
    return torch.stack([polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos()], -1)  # inner: Angles


class Angles(nn.Module):
    def __init__(self, broken):
        super().__init__()
        self.broken = broken

    def forward(self, v):
        polar = torch.acos(v[:, 2] / v.norm(dim=-1))
        azimuth = torch.atan2(v[:, 1], v[:, 0])
        u = unit(azimuth, polar) if self.broken else unit(polar, azimuth)  # at fault: Angles
        return u.sum(0).norm()


def harmonics(x, y, z):
    """Of degrees 1 and 2, in the order of e3nn."""
    r2 = x * x + y * y + z * z
    second = [3**0.5 * x * z, 3**0.5 * x * y, y * y - (x * x + z * z) / 2, 3**0.5 * y * z, 3**0.5 / 2 * (z * z - x * x)]
    return torch.stack([x, y, z, *(c / r2.sqrt() for c in second)], -1)  # inner: Harmonics


class Harmonics(nn.Module):
    """Sums harmonics over neighbours and returns the size of each degree."""

    def __init__(self, broken):
        super().__init__()
        self.broken = broken

    def forward(self, v):
        x, y, z = v.unbind(-1)
        sh = harmonics(x, x, z) if self.broken else harmonics(x, y, z)  # at fault: Harmonics
        total = (sh * v.norm(dim=-1, keepdim=True)).sum(0)
        return torch.stack([total[:3].norm(), total[3:].norm()])


def rotated_about(axis_x, axis_y, axis_z, angle):
    """Rows of the rotation about z by an angle, turned so that z is the axis; only its diagonal is wanted here."""
    c = angle.cos()
    return torch.stack([c + axis_x**2 * (1 - c), c + axis_y**2 * (1 - c), c + axis_z**2 * (1 - c)], -1)  # inner: Trace


class Trace(nn.Module):
    """The trace of a rotation about each vector."""

    def __init__(self, broken):
        super().__init__()
        self.broken = broken

    def forward(self, v):
        size = v.norm(dim=-1)
        x, y, z = (v / size[:, None]).unbind(-1)
        third = y if self.broken else z
        return rotated_about(x, y, third, size).sum(-1)  # at fault: Trace


class Both(nn.Module):
    """Hands the angles over rightly in one call, and wrongly in another one: the function is sound."""

    def forward(self, v):
        polar = torch.acos(v[:, 2] / v.norm(dim=-1))
        azimuth = torch.atan2(v[:, 1], v[:, 0])
        first = unit(polar, azimuth)
        second = unit(azimuth, polar)  # at fault: Both
        return first.sum(0).norm() + (second.sum(0) * 2).norm()


def diagnosed(network):
    torch.manual_seed(0)
    return eq.diagnose(network, normal(8, 3), ["1x1o"], None, group="so3")


@pytest.mark.parametrize("kind", [Angles, Harmonics])
def test_the_call_is_named_and_the_function_beside_it(kind):
    (finding,) = diagnosed(kind(broken=True)).findings
    assert [finding.location.line] == lines_at(f"at fault: {kind.__name__}")
    assert [other.line for other in finding.alternatives] == lines_at(f"inner: {kind.__name__}")
    assert finding.located == "suspect"


def test_a_function_that_is_sound_elsewhere_is_no_alternative():
    (finding,) = diagnosed(Both()).findings
    assert [finding.location.line] == lines_at("at fault: Both")
    assert (finding.located, finding.alternatives) == ("confirmed", ())


def test_invariants_from_components_are_never_confirmed_at_a_sound_statement():
    found = diagnosed(Trace(broken=True)).findings
    assert found
    for finding in found:
        lines = {finding.location.line, *(other.line for other in finding.alternatives)}
        assert finding.located != "confirmed" or lines & {*lines_at("at fault: Trace"), *lines_at("inner: Trace")}


@pytest.mark.parametrize("kind", [Angles, Harmonics, Trace])
def test_the_sound_twins_are_clean(kind):
    assert diagnosed(kind(broken=False)).ok
