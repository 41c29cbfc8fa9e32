"""Claims that an output must change: a kernel that ignores what it is to measure is found, at the statement."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.groups import Mirrors, Rotations

ABOUT_Z = Rotations(axis=(0.0, 0.0, 1.0))
PLANE = eq.CartesianPoints(nodes=0, batch=None, dimensions=2)
SPACE = eq.CartesianPoints(nodes=0, batch=None)
WHOLE = eq.Invariant(nodes=None, batch=None)


def points(seed, dimensions=2):
    made = torch.randn(12, dimensions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return 20 * made + torch.tensor([90.0, 110.0, 40.0], dtype=torch.float64)[:dimensions]


def cross(one, other):
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]


def unit(cloud):
    between = cloud[:, None] - cloud[None]
    return between / between.norm(dim=-1, keepdim=True).clamp_min(1e-12)


class Printed(nn.Module):
    """|y_i x y_j| / |y_i||y_j|: the sine within one set."""

    def forward(self, cloud):
        sine = cross(cloud[:, None], cloud[None]).abs()
        return sine / (cloud.norm(dim=-1)[:, None] * cloud.norm(dim=-1)[None])


class Across(nn.Module):
    """Sine and cosine of the angle from the differences of a fixed set to those of the other set."""

    def __init__(self, share=1.0):
        super().__init__()
        self.register_buffer("model", points(1))
        self.share = share

    def forward(self, cloud):
        ours, theirs = unit(self.model), unit(cloud)
        found = torch.stack([cross(ours, theirs), (ours * theirs).sum(-1)], -1)
        return 1 + self.share * (found - 1)


class Lengths(nn.Module):
    def forward(self, cloud):
        between = cloud[:, None] - cloud[None]
        return between.norm(dim=-1)


class Masked(nn.Module):
    """An angle that a weight of zero removes behind the layer that computes it."""

    def __init__(self, weight):
        super().__init__()
        self.angle, self.weight = Across(), weight

    def forward(self, cloud):
        found = self.angle(cloud)
        return Lengths()(cloud)[..., None] + self.weight * found


def claim(**fields):
    return eq.Sensitive(eq.Invariant(nodes=0, batch=None, pairs=1), **fields)


def sources(finding):
    return [place.source for place in (finding.location, *finding.alternatives)]


def test_the_printed_kernel_does_not_see_the_angle_that_it_is_to_measure():
    report = eq.diagnose(Printed(), points(0), PLANE, claim(to="rotation"), group=ABOUT_Z)
    (finding,) = report.findings
    assert (finding.symmetry, finding.cause, finding.mechanism) == ("rotation", "insensitive", "no-response")
    assert any("one[..., 0] * other[..., 1]" in source for source in sources(finding))
    assert finding.located == "suspect"
    assert finding.error == 1
    assert report.verdicts[0].verdict == "broken"
    assert "is the same under rotation" in finding.evidence


def test_a_single_statement_that_loses_everything_is_confirmed():
    report = eq.diagnose(Lengths(), points(0), PLANE, claim(to="rotation"), group=ABOUT_Z)
    (finding,) = report.findings
    assert finding.cause == "insensitive"
    assert finding.located == "confirmed"
    assert sources(finding) == ["return between.norm(dim=-1)"]


def test_information_that_a_later_statement_drops_is_lost_there():
    report = eq.diagnose(Masked(0.0), points(0), PLANE, claim(to="rotation"), group=ABOUT_Z)
    (finding,) = report.findings
    assert any("self.weight * found" in source for source in sources(finding))
    assert eq.diagnose(Masked(1e-3), points(0), PLANE, claim(to="rotation"), group=ABOUT_Z).ok


def test_the_corrected_kernel_keeps_its_claims():
    report = eq.diagnose(Across(), points(0), PLANE, claim(to="rotation"), group=[ABOUT_Z, "translation", "scale"])
    assert report.ok, report
    assert [v.verdict for v in report.verdicts] == ["holds"] * 3
    (rotation,) = [v for v in report.verdicts if v.symmetry == "rotation"]
    assert rotation.remarks == ("output responds by at least 1 per radian",)


@pytest.mark.parametrize(("least", "holds"), [(0.2, True), (0.9, True), (1.1, False), (5.0, False)])
def test_a_response_is_measured_against_the_claim(least, holds):
    report = eq.diagnose(Across(), points(0), PLANE, claim(to="rotation", at_least=least), group=ABOUT_Z)
    assert report.ok == holds
    if not holds:
        (finding,) = report.findings
        assert finding.mechanism == "weak-response"
        assert finding.error == pytest.approx(1 - 1 / least, abs=0.02)


def test_a_weak_response_is_located_where_it_gets_weak():
    report = eq.diagnose(Across(1e-3), points(0), PLANE, claim(to="rotation", at_least=0.1), group=ABOUT_Z)
    (finding,) = report.findings
    assert finding.mechanism == "weak-response"
    assert sources(finding) == ["return 1 + self.share * (found - 1)"]


def test_other_symmetries_count_as_the_law_inside_says():
    report = eq.diagnose(Printed(), points(0), PLANE, claim(to="rotation"), group=["translation", "scale"])
    assert {f.symmetry for f in report.findings} == {"translation"}
    assert {f.cause for f in report.findings} == {"absolute-position"}


@pytest.mark.parametrize(
    ("function", "group", "symmetry", "responds"),
    [
        (lambda x: x.mean(0), "translation", "translation", True),
        (lambda x: x - x.mean(0), "translation", "translation", False),
        (lambda x: (x - x.mean(0)).norm(), "scale", "scale", True),
        (lambda x: x[:, 0] / x.norm(dim=-1), "scale", "scale", False),
        (lambda x: torch.linalg.det(x[:3] - x[3]), Mirrors(0), "mirror", True),
        (lambda x: torch.cdist(x, x), Mirrors(0), "mirror", False),
        (lambda x: x[0], "permutation", "permutation", True),
        (lambda x: x.amax(0), "permutation", "permutation", False),
    ],
)
def test_every_symmetry_may_have_a_claim(function, group, symmetry, responds):
    report = eq.diagnose(function, points(0, 3), SPACE, eq.Sensitive(WHOLE, to=symmetry), group=group)
    assert report.ok == responds, report
    assert [f.cause for f in report.findings] == ([] if responds else ["insensitive"])


def test_each_axis_must_be_seen():
    def height(cloud):
        return cloud[:, 2]

    report = eq.diagnose(height, points(0, 3), SPACE, eq.Sensitive(WHOLE, to="rotation"), group="so3")
    (finding,) = report.findings
    assert finding.counterexample.matrix[2] == (0, 0, 1)
    assert eq.diagnose(lambda x: x[:, :2], points(0, 3), SPACE, eq.Sensitive(WHOLE), group="so3").ok


def test_a_law_inside_that_changes_the_output_is_tested_too():
    vectors = eq.Sensitive(eq.CartesianTensor(nodes=0, batch=None), to="rotation")
    assert eq.diagnose(lambda x: x - x.mean(0), points(0, 3), SPACE, vectors, group="so3").ok
    report = eq.diagnose(lambda x: (x - x.mean(0)).relu(), points(0, 3), SPACE, vectors, group="so3")
    assert [f.cause for f in report.findings] == ["component-mixing"]


@pytest.mark.parametrize(("fields", "name"), [({"to": 3}, "to"), ({"to": ()}, "to"), ({"at_least": -1.0}, "at_least")])
def test_a_claim_that_makes_no_sense_is_refused(fields, name):
    with pytest.raises(eq.ArgumentError, match=f"^{name}="):
        eq.Sensitive(WHOLE, **fields)
