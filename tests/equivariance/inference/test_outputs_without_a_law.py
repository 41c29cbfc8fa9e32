"""Of several outputs one obeys no known law: it alone is not tested. Vectors and positions on any axis have a law."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal, relative

pytestmark = pytest.mark.numeric

POINTS = normal(8, 3)
VOIGT = [0, 4, 8, 5, 2, 1]


def by_symmetry(report):
    return {v.symmetry: v for v in report.verdicts}


def told(report):
    return {(f.symmetry, f.cause) for f in report.findings}


def energy(pos):
    return torch.pdist(pos).sum()


def height(pos):
    return energy(pos) + relative(pos)[:, 0].relu().sum()


def voigt(pos):
    """A symmetric matrix in six numbers."""
    return (relative(pos).T @ relative(pos)).flatten()[VOIGT]


def flat(pos):
    """The products of two vectors at each node, in nine numbers."""
    return (relative(pos)[:, :, None] * relative(pos)[:, None]).flatten(1)


def reversed_harmonics(pos):
    """l=2 on axis 1, in another order."""
    x, y, z = relative(pos).T
    found = torch.stack([x * y, y * z, 2 * z * z - x * x - y * y, x * z, x * x - y * y])
    return found.T.flip(1)[:, :, None] * torch.arange(1.0, 4)


UNKNOWN = {"six numbers": (voigt, [6]), "nine numbers": (flat, [8, 9]), "on axis 1": (reversed_harmonics, [8, 5, 3])}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("sound", [True, False])
def test_the_other_outputs_and_the_other_symmetries_are_tested(name, sound):
    """A rotation is not tested as a whole, unless another output breaks it."""
    function, shape = UNKNOWN[name]
    report = eq.diagnose(lambda pos: ((energy if sound else height)(pos), function(pos)), (POINTS,), samples=3)
    verdicts = by_symmetry(report)
    assert [verdicts[s].verdict for s in ("translation", "permutation")] == ["holds", "holds"], report
    assert verdicts["rotation"].verdict == ("not tested" if sound else "broken")
    said = verdicts["rotation"].reason if sound else verdicts["rotation"].remarks[-1]
    assert f"output[1] {shape}: " in said
    assert "irreps_out=[None, ...]" in said
    assert ("the other tensors of the output keep the symmetry" in said) == sound
    assert {symmetry for symmetry, _ in told(report)} == (set() if sound else {"rotation"})
    assert not report.complete


def test_what_the_caller_named_and_one_output_has_no_law_for_fails():
    report = eq.diagnose(lambda pos: {"e": energy(pos), "s": voigt(pos)}, (POINTS,), group="se3", samples=3)
    assert report.ok
    assert [v.symmetry for v in report.missing()] == ["rotation"]
    assert report.failures()[0].startswith("rotation was not tested: no law that is known here fits output['s'] [6]")
    with pytest.raises(AssertionError, match=r"rotation was not tested"):
        eq.assert_equivariant(lambda pos: (energy(pos), voigt(pos)), (POINTS,))


class Vectors(nn.Module):
    """Vectors, or positions, of clouds [samples, 3, nodes], with x, y, z on another axis than the last."""

    def __init__(self, order, bug="", points=False):
        super().__init__()
        self.channels = nn.Linear(2, 4, bias=False)
        self.order, self.bug, self.points = order, bug, points

    def forward(self, pos):
        v = pos - pos.mean(2, keepdim=True)
        found = self.channels(torch.stack([v, v * (v**2).sum(1, keepdim=True)], -1))  # samples, 3, nodes, channels
        found = found + pos[..., None] if self.points else found
        found = found + found.new_tensor([0.1, 0, 0])[:, None, None] if self.bug == "bias" else found
        features = (v**2).sum(1).mean(1)
        return features, found.permute(self.order)


ORDERS = {"samples, channels, 3, nodes": ((0, 3, 1, 2), 2), "samples, 3, nodes, channels": ((0, 1, 2, 3), 1),
          "nodes, 3, samples, channels": ((2, 1, 0, 3), 1)}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("points", [False, True])
def test_components_lie_on_any_axis(name, points):
    order, axis = ORDERS[name]
    torch.manual_seed(0)
    report = eq.diagnose(Vectors(order, points=points), (normal(3, 3, 16),), samples=3)
    assert report.ok, report
    assert not report.untested
    (line,) = [line for line in report.assumptions if line.startswith("output[1]")]
    assert f": {'cartesian_points' if points else 'Cartesian tensor'} on axis {axis}, nodes on axis " in line


@pytest.mark.parametrize("points", [False, True])
def test_a_bias_on_components_before_the_last_axis_is_found(points):
    torch.manual_seed(0)
    report = eq.diagnose(Vectors((0, 3, 1, 2), "bias", points), (normal(3, 3, 16),), samples=3)
    assert {symmetry for symmetry, _ in told(report)} == {"rotation"}, report
    assert by_symmetry(report)["permutation"].verdict == "holds"


class AboutTheOrigin(nn.Module):
    """Turns with its clouds, and reads their places: made for clouds that are centred beforehand."""

    def forward(self, x):
        mixed = torch.linalg.cross(x, x.mean(2, keepdim=True).expand_as(x), dim=1)
        return (x**2).sum(1).mean(1), torch.stack([x, mixed, x * (x**2).sum(1, keepdim=True)], 1)


def test_a_law_that_holds_under_rotation_is_taken_although_other_motions_are_broken():
    """The cross product is a pseudovector beside vectors: no law holds under inversion, and none under translation."""
    report = eq.diagnose(AboutTheOrigin(), (normal(3, 3, 16),), samples=3)
    verdicts = by_symmetry(report)
    assert {s: verdicts[s].verdict for s in ("translation", "rotation", "inversion", "permutation", "batch")} == {
        "translation": "broken", "rotation": "holds", "inversion": "broken", "permutation": "holds", "batch": "holds",
    }  # fmt: skip
    assert not verdicts["inversion"].claimed
