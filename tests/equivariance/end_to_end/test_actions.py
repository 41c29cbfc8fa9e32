"""Each action on a sound network and on a broken one, whose statement is named."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import nn

import equivariance as eq
from benchmarks.actions.networks import Extent, Marks, Mass, Procrustes, Stretched, lorentz_generators
from equivariance.groups import MatrixGroup, Mirrors, Product, Rotations

SPACE = eq.CartesianPoints(nodes=0, batch=None)
PLANE = eq.CartesianPoints(nodes=0, batch=None, dimensions=2)
WHOLE = eq.Invariant(nodes=None, batch=None)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


POINTS, FLAT = normal(9, 3), normal(9, 2)


def vectors(*axes):
    return eq.CartesianTensor(axes, nodes=None, batch=0)


class Sides(nn.Module):
    """The spread along x, of both sides or of the right one."""

    def __init__(self, right_only=False):
        super().__init__()
        self.right_only = right_only

    def forward(self, points):
        x = points[:, 0]
        spread = x.relu() if self.right_only else x.abs()
        return spread.sum() + points[:, 1].sum()


TWO = (normal(2, 9, 3, seed=1), normal(2, 9, 3, seed=2))
CLOUDS = eq.CartesianPoints(nodes=1, batch=0)
LORENTZ = MatrixGroup("lorentz", lorentz_generators(), infinitesimal=True)
BETWEEN = (
    {"first": eq.Factors({0: CLOUDS}), "second": eq.Factors({1: CLOUDS})},
    eq.Factors({1: vectors(1), 0: vectors(2)}),
)
LENGTH = eq.Invariant(nodes=None, batch=None, degree=1)
Z = (0.0, 0.0, 1.0)

CASES = {
    "scale": (Extent(), Extent(0.1), POINTS, SPACE, LENGTH, "scale", "lengths = lengths + self.constant"),
    "mirror": (Sides(), Sides(right_only=True), POINTS, SPACE, WHOLE, Mirrors(0), "spread = x.relu()"),
    "product": (Procrustes(), Procrustes(0.1), TWO, *BETWEEN, Product((Rotations(), Rotations())), "+ self.constant"),
    "plane": (Stretched(), Stretched(1.1), FLAT, PLANE, WHOLE, "so2", "between * self.weights"),
    "lorentz": (
        Mass(), Mass(0.01), normal(6, 4), eq.Linear(nodes=0, batch=None), eq.Invariant(nodes=0, batch=None), LORENTZ,
        "energies = self.share * momenta[:, 0]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_sound_network_has_no_finding(name):
    sound, _, inputs, takes, gives, group, _ = CASES[name]
    report = eq.diagnose(sound, inputs, takes, gives, group=group)
    assert report.ok, report
    assert not report.untested
    assert {v.verdict for v in report.verdicts} == {"holds"}


@pytest.mark.parametrize("name", CASES)
def test_the_statement_of_a_broken_network_is_confirmed(name):
    _, broken, inputs, takes, gives, group, source = CASES[name]
    report = eq.diagnose(broken, inputs, takes, gives, group=group)
    (finding,) = report.findings
    assert source in finding.location.source
    assert finding.located == "confirmed"
    assert finding.symmetry == (group if name == "scale" else "rotation" if name == "plane" else group.symmetry)


def test_another_power_of_length_is_told():
    area = eq.Invariant(nodes=None, batch=None, degree=2)
    (finding,) = eq.diagnose(Extent(), POINTS, SPACE, area, group="scale").findings
    assert (finding.cause, finding.mechanism) == ("wrong-irrep", "degree")
    assert "grows as s^1, and is declared as s^2" in finding.evidence


def test_logarithms_of_lengths_are_shifted():
    def logarithm(points):
        return (points - points.mean(0)).norm().log()

    takes = eq.LogScale(nodes=None, batch=None)
    assert eq.diagnose(logarithm, POINTS, SPACE, takes, group="scale").ok
    assert not eq.diagnose(logarithm, POINTS, SPACE, eq.LogScale(2, nodes=None, batch=None), group="scale").ok


@pytest.mark.parametrize("group", [["e2"], ["so2", "translation", "scale"]])
def test_a_similarity_of_the_plane_is_a_list_of_names(group):
    def shape(points):
        between = points - points.mean(0)
        return between.norm(dim=-1) / between.norm()

    gives = eq.Invariant(nodes=0, batch=None)
    report = eq.diagnose(shape, FLAT, PLANE, gives, group=group)
    assert report.ok
    assert report.complete
    assert not eq.diagnose(lambda p: p.norm(dim=-1) / p.norm(), FLAT, PLANE, gives, group=group).ok


def turns_of(rows):
    return torch.from_numpy(Rotation.from_matrix(rows.detach().numpy()).as_euler("xyz"))


def test_angles_are_compared_as_rotations():
    frames = torch.from_numpy(Rotation.random(6, rng=np.random.default_rng(0)).as_matrix())
    right = eq.diagnose(turns_of, frames, vectors(1), eq.Angles("xyz", nodes=None, batch=0), group="so3")
    assert right.ok, right
    assert not eq.diagnose(turns_of, frames, vectors(1), eq.Angles("XYZ", nodes=None, batch=0), group="so3").ok


def axes_of(cloud):
    return torch.linalg.eigh(cloud.transpose(-1, -2) @ cloud)[1]


def test_eigenvectors_have_no_sign():
    clouds = normal(3, 9, 3)
    assert eq.diagnose(axes_of, clouds, vectors(2), eq.UpToSign(vectors(1), axis=1), group="so3").ok
    assert not eq.diagnose(axes_of, clouds, vectors(2), vectors(1), group="so3").ok
    assert not eq.diagnose(
        lambda x: axes_of(x).relu(), clouds, vectors(2), eq.UpToSign(vectors(1), axis=1), group="so3"
    ).ok


def test_pairs_of_nodes_follow_a_permutation_on_both_axes():
    def distances(points):
        return torch.cdist(points, points)

    assert eq.diagnose(distances, POINTS, SPACE, eq.Pairs(), group="permutation").ok
    (finding,) = eq.diagnose(lambda p: distances(p).cumsum(0), POINTS, SPACE, eq.Pairs(), group="permutation").findings
    assert finding.cause == "order-dependent"


IMAGE = eq.Grid(irreps="1x0e", axes=(2, 3))


def test_landmarks_exchange_under_a_mirror_of_the_picture():
    image, marks = normal(2, 1, 8, 8).abs(), eq.Swapped(eq.Invariant(nodes=None, batch=0), order=(1, 0, 2), axis=-1)
    assert eq.diagnose(Marks(), image, IMAGE, marks, group=Mirrors(1)).ok
    report = eq.diagnose(Marks(0.1), image, IMAGE, marks, group=Mirrors(1))
    (finding,) = report.findings
    assert finding.symmetry == "mirror"
    assert "right = right * (1 + self.bias)" in finding.location.source
    assert not eq.diagnose(Marks(), image, IMAGE, eq.Invariant(nodes=None, batch=0), group=Mirrors(1)).ok


def test_an_output_that_runs_do_not_show_must_be_declared():
    with pytest.raises(eq.ArgumentError, match=r"irreps_out=.*expected a representation of the output"):
        eq.diagnose(Extent(), POINTS, SPACE, group="scale")
