"""A part that is zero in the reference has no size: rounding there is no violation, and a violation is found."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import Applied, Scale, Stack, normal

pytestmark = pytest.mark.numeric

SEEDS = range(4)


def at_one_place(seed, count=3):
    return normal(1, 3, seed=seed).expand(count, 3).clone()


def on_a_line(seed):
    return normal(5, 1, seed=seed) * normal(1, 3, seed=seed + 100)


def along_an_axis(seed):
    return normal(5, 1, seed=seed) * torch.tensor([[0.0, 0, 1]])


def centred(x):
    return x - x.mean(0)


def normal_of_neighbours(x):
    before, after = x - x.roll(1, 0), x.roll(-1, 0) - x
    return torch.linalg.cross(before, after)


FUNCTIONS = {"centred": (centred, "cartesian_points", "1x1o"), "normals": (normal_of_neighbours, "1x1o", "1x1e")}
CLOUDS = {"one place": at_one_place, "line": on_a_line, "axis": along_an_axis}


def broken(report):
    return [f for f in report.findings if f.symmetry != "none"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
@pytest.mark.parametrize(("function", "takes", "gives"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_rounding_of_nothing_is_no_break(function, takes, gives, cloud, dtype):
    group = ["e3"] if function is centred else ["o3"]
    for seed in SEEDS:
        points = cloud(seed).to(dtype)
        assert not broken(eq.check(function, points, takes, gives, group=group)), (seed, points)


@pytest.mark.parametrize("seed", SEEDS)
def test_rounding_of_nothing_is_no_break_within_a_network(seed):
    network = Stack(Applied(centred), Scale(3))
    contracts = {"layers.0": eq.Contract({"x": "cartesian_points"}, "1x1o")}
    report = eq.diagnose(network, at_one_place(seed), "cartesian_points", "1x1o", group="e3", contracts=contracts)
    assert not broken(report), report


class Lifted(nn.Module):
    """Differences, with the part of them above zero along one axis."""

    def forward(self, x):
        lowest = x - x.min(0).values
        return torch.stack([torch.zeros_like(lowest[:, 0]), torch.zeros_like(lowest[:, 0]), lowest[:, 2].relu()], -1)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_comes_of_nothing_is_a_break(seed):
    flat = normal(6, 3, seed=seed) * torch.tensor([1.0, 1, 0])
    report = eq.check(Lifted(), flat, "cartesian_points", "1x1o", group="so3")
    assert {f.symmetry for f in broken(report)} == {"rotation"}, report
    assert "inf for an input" not in str(report)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0])
def test_a_small_constant_where_nothing_should_be_is_a_break(size):
    """As large a constant as rounding never makes."""

    def shifted(x):
        return centred(x) + size * (x - x[:1]).norm() + size * (x.mean(0) > 0)

    points = torch.tensor([[-1.0, -1, -1]]).expand(3, 3).clone()
    report = eq.check(shifted, points, "cartesian_points", "1x1o", group="so3")
    assert {f.symmetry for f in broken(report)} == {"rotation"}, report
