"""Excuses are earned: a jump that generic inputs meet is a violation, a tie of the example is none and hides none."""

import math

import pytest
import torch

import equivariance as eq
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal

pytestmark = pytest.mark.numeric

CUBE = torch.cartesian_prod(*[torch.arange(2.0)] * 3)
SQUARE = torch.cat([torch.cartesian_prod(torch.arange(3.0), torch.arange(3.0)), torch.ones(9, 1)], 1)


def generic(seed):
    return normal(10, 3, seed=seed)


def near_tie(seed):
    """Two points whose distances to the centroid differ by a billionth."""
    points = normal(10, 3, seed=seed).double()
    points = points - points.mean(0)
    points[1] = -points[0] * (1 + 1e-9)
    return points


CLOUDS = {"generic": generic, "near tie": near_tie, "cube": lambda _: CUBE, "square": lambda _: SQUARE}


def distances(x):
    return (x[:, None] - x[None]).square().sum(-1)


def neighbours(x):
    near = distances(x).topk(3, largest=False).indices
    return (x[near] - x[:, None]).sum(1)


def cutoff(x):
    d = distances(x)
    return ((d < 1)[..., None] * (x[:, None] - x[None])).sum(1)


def farthest(x):
    c = x - x.mean(0)
    return c[c.square().sum(-1).argmax()]


def sorted_by_size(x):
    c = x - x.mean(0)
    return c[c.square().sum(-1).argsort()][:4]


def longest_axis(x):
    """The first principal axis, with the sign that the third moment gives."""
    c = x - x.mean(0)
    axis = torch.linalg.eigh(c.T @ c).eigenvectors[:, -1]
    return axis * (c @ axis).pow(3).sum().sign()


def principal_sizes(x):
    c = x - x.mean(0)
    return torch.linalg.eigh(c.T @ c).eigenvalues.clamp(min=0).sqrt()


def median_distance(x):
    return distances(x).flatten().kthvalue(30).values


def dihedral(x):
    a, b, c = (x[i + 1 :][: len(x) - 3] - x[i : len(x) - 3 + i] for i in range(3))
    n, m = torch.cross(a, b, dim=-1), torch.cross(b, c, dim=-1)
    return torch.atan2((torch.cross(n, m, dim=-1) * b).sum(-1), b.norm(dim=-1) * (n * m).sum(-1)).cos()


SOUND = {
    "neighbours": (neighbours, "1x1o"),
    "cutoff": (cutoff, "1x1o"),
    "farthest": (farthest, "1x1o"),
    "sorted": (sorted_by_size, "1x1o"),
    "principal axis": (longest_axis, "1x1o"),
    "principal sizes": (principal_sizes, None),
    "median": (median_distance, None),
    "dihedral": (dihedral, None),
}


def broken(report):
    return {symmetry for f in report.findings for symmetry in f.symmetries if symmetry != "none"}


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("name", SOUND)
def test_selections_and_singularities_are_sound(name, cloud):
    function, gives = SOUND[name]
    for seed in range(2):
        report = eq.check(function, CLOUDS[cloud](seed).double(), "cartesian_points", gives, group="e3", seed=seed)
        assert not broken(report), report


def chiral(x):
    """A selection and the volume of the selected tetrahedron, which changes its sign under inversion."""
    a, b, c = (x[i] - x[0] for i in (1, 2, 4))
    return neighbours(x).norm() + torch.dot(torch.cross(a, b, dim=-1), c)


def folded(x):
    """Torsions of four points of a plane, which are 0 in exact arithmetic, folded into [0, pi)."""
    c = x - x.mean(0)
    n, m = torch.cross(c[:-2], c[1:-1], dim=-1), torch.cross(c[:-2], 3 * c[1:-1], dim=-1)
    phi = torch.atan2((torch.cross(n, m, dim=-1) * c[:-2]).sum(-1), (n * m).sum(-1))
    return torch.where(phi < 0, phi + math.pi, phi).sum()


def volumes(x):
    c = x - x.mean(0)
    return (torch.cross(c[:-2], c[1:-1], dim=-1) * c[2:]).sum()


def test_a_jump_at_torsions_that_are_zero_by_construction_and_a_parity_break_behind_it():
    report = eq.check(lambda x: folded(x) + volumes(x), normal(9, 3), "cartesian_points", None, group="e3")
    assert broken(report) == {"translation", "rotation", "inversion"}
    assert {f.cause for f in report.findings} == {"discontinuous"}
    (inversion,) = [f for f in report.findings if "inversion" in f.symmetries]
    assert "the jump may not be all" in inversion.evidence


def of_angle_to_itself(x):
    """The angle between a vector and its multiple, which rounding makes 0 or 1e-8, as a class."""
    c = x - x.mean(0)
    cosine = (c * 3 * c).sum(-1) / (c.norm(dim=-1) * (3 * c).norm(dim=-1))
    return c * (cosine < 1).to(c)[:, None]


def side_of_its_own_plane(x):
    """The side on which the third of three points lies of the plane through them."""
    u = torch.nn.functional.normalize(x - x.mean(0), dim=-1)
    n = torch.cross(u[1:-1] - u[:-2], u[2:] - u[:-2], dim=-1)
    return torch.sign(((u[2:] - u[:-2]) * n).sum(-1)).sum()


def rounded_length(x):
    """The length of a unit vector, rounded down."""
    c = x - x.mean(0)
    return (c / c.norm(dim=-1, keepdim=True)).norm(dim=-1).floor().sum()


JUMPS = {
    "angle": (of_angle_to_itself, "1x1o"), "side": (side_of_its_own_plane, None), "floor": (rounded_length, None)
}  # fmt: skip


@pytest.mark.parametrize(("name", "seed"), [("angle", 0), ("angle", 4), ("side", 0), ("floor", 0), ("floor", 4)])
def test_a_jump_that_generic_inputs_meet_is_a_finding(name, seed):
    """Of the last one, rounding hides the jump in the first element, and the tested precision runs under it."""
    function, gives = JUMPS[name]
    report = eq.check(function, normal(12, 3, seed=seed), "cartesian_points", gives, group="so3", seed=seed)
    assert [(f.symmetry, f.cause) for f in report.findings] == [("rotation", "discontinuous")], report
    assert report.findings[0].fix.startswith("Make the value continuous")


@pytest.mark.parametrize("cloud", [c for c in CLOUDS if c != "square"])
def test_a_tie_of_the_example_hides_no_parity_break(cloud):
    points = CLOUDS[cloud](3).double()
    report = eq.check(chiral, points, "cartesian_points", None, group="e3")
    assert broken(report) == {"inversion"}, report


@pytest.mark.parametrize("cloud", ["cube", "square"])
def test_a_tie_of_the_example_hides_no_break_of_rotations(cloud):
    def tilted(x):
        return neighbours(x) * (1 + 0.1 * (x - x.mean(0))[:, 2:].tanh())

    report = eq.check(tilted, CLOUDS[cloud](0).double(), "cartesian_points", "1x1o", group="so3")
    assert broken(report) == {"rotation"}, report


def test_a_tie_of_the_example_is_told_as_one():
    report = eq.check(neighbours, CUBE.double(), "cartesian_points", "1x1o", group="se3")
    assert report.ok
    assert {n.cause for n in report.notes} == {"discrete-tie"}, report


def halved_where_a_length_is_one(x):
    """Unit vectors, halved where rounding makes them shorter than 1."""
    unit = torch.nn.functional.normalize(x, dim=-1)
    return torch.where(unit.norm(dim=-1, keepdim=True) < 1, unit / 2, unit)


def longest_channel(x):
    return x * (x.norm(dim=-1).argmax(-1, keepdim=True) == torch.arange(x.shape[-2])).to(x)[..., None]


@pytest.mark.parametrize("seed", range(3))
def test_the_layer_that_jumps_is_named(seed):
    network = Stack(Scale(seed=seed), Applied(halved_where_a_length_is_one), Scale(seed=seed + 1))
    report = eq.diagnose(network, normal(6, 4, 3, seed=seed), "1x1o", "1x1o", group="so3")
    assert [(f.layer, f.cause) for f in report.findings] == [("layers.1", "discontinuous")], report


@pytest.mark.parametrize("seed", range(3))
def test_a_tie_within_a_network_hides_no_other_layer(seed):
    """All vectors have one length: which channel is taken is a tie of the example."""
    x = torch.nn.functional.normalize(normal(6, 4, 3, seed=seed).double(), dim=-1)
    sound = eq.diagnose(Stack(Applied(longest_channel), Scale()), x, "1x1o", "1x1o", group="o3")
    assert sound.ok, sound
    broken_network = Stack(Applied(longest_channel), Mix())
    report = eq.diagnose(broken_network.double(), x, "1x1o", "1x1o", group="so3")
    assert [(f.layer, f.cause) for f in report.findings] == [("layers.1", "component-mixing")], report
