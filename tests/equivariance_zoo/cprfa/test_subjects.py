"""The harness finds what is wrong with the printed kernels, with the statements, and nothing in the corrected ones."""

import pytest
import torch

import equivariance as eq
from equivariance.api import diagnose_subject
from equivariance.groups import Mirrors, Rotations
from equivariance.settings import Settings
from equivariance.subject import as_registered
from equivariance_zoo.cprfa import corrected, published
from equivariance_zoo.cprfa.contracts import POINTS
from equivariance_zoo.cprfa.subjects import cpr_kernels, cpr_kernels_published

SPACE = eq.CartesianPoints(nodes=0, batch=None)
THERE = torch.arange(12) > 1


def examined(subject):
    return diagnose_subject(subject, list(subject.claims), Settings(samples=3))


def test_the_printed_kernels_have_their_registered_findings():
    subject = cpr_kernels_published()
    report = examined(subject)
    assert as_registered(subject, report) == ([], [])
    found = {(f.layer, f.symmetry): f for f in report.findings}
    shifted = found["in_plane", "translation"]
    assert shifted.cause == "absolute-position"
    assert shifted.location.source == "unit = points / points.norm(dim=-1, keepdim=True)"
    assert shifted.location.file.endswith("cprfa/published.py")
    lost = found["in_plane", "rotation"]
    places = [place.source for place in (lost.location, *lost.alternatives)]
    assert any("sines = " in place for place in places), places
    assert "between.norm" in found["scale", "rotation"].location.source


def test_the_corrected_kernels_have_no_finding():
    report = examined(cpr_kernels())
    assert report.ok, report
    assert report.complete, report
    assert {v.symmetry for v in report.verdicts} == {"translation", "rotation", "scale", "permutation"}


def cloud(dimensions, seed=0):
    return 20 * torch.randn(12, dimensions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("axis", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0)])
@pytest.mark.parametrize(
    ("kernel", "gives"),
    [
        (lambda y: published.out_of_plane_kernel(y, (torch.arange(12) + 1) % 12), eq.Pairs()),
        (lambda y: corrected.out_of_plane_kernel(y, THERE), eq.Pairs()),
        (published.scale_kernel, eq.Pairs()),
        (published.in_plane_kernel, eq.Pairs()),
    ],
)
def test_projections_respond_to_rotations_out_of_the_plane(kernel, gives, axis):
    responds = eq.Sensitive(gives, to="rotation", at_least=0.05)
    report = eq.check(lambda x: kernel(x[:, :2]), cloud(3), SPACE, responds, group=Rotations(axis=axis))
    assert report.ok, report


@pytest.mark.parametrize(
    "kernel",
    [
        lambda x: corrected.shape_kernel(x, THERE),
        lambda x: published.out_of_plane_kernel(x, (torch.arange(12) + 1) % 12),
    ],
)
def test_in_space_no_rigid_motion_changes_the_kernel_of_the_shape(kernel):
    order_free = eq.Invariant(nodes=None, batch=None)
    points = eq.CartesianPoints(nodes=None, batch=None)
    assert eq.check(kernel, cloud(3), points, order_free, group=["e3", "scale"]).ok


def test_the_printed_kernel_of_out_of_plane_rotations_is_blind_to_mirrors_and_ours_is_not():
    def ours(y):
        return corrected.out_of_plane_kernel(y, THERE)

    def printed(y):
        return published.out_of_plane_kernel(y, (torch.arange(12) + 1) % 12)

    responds = eq.Sensitive(eq.Pairs(), to="mirror")
    blind = eq.check(printed, cloud(2), POINTS, responds, group=Mirrors(0))
    assert [f.cause for f in blind.findings] == ["insensitive"]
    assert eq.check(ours, cloud(2), POINTS, responds, group=Mirrors(0)).ok
