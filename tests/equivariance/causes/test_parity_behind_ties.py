"""A wrong parity behind a tie of the example is explained as a parity."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

SPHERE = nn.functional.normalize(normal(32, 3).double(), dim=-1)
"""All points have the same distance from the centre: rounding decides which one is the farthest."""


def farthest(vectors):
    return vectors[vectors.norm(dim=-1).argmax()]


def handed(vectors):
    return farthest(vectors) * torch.linalg.det(vectors[:3])


def partly_handed(vectors):
    found = farthest(vectors)
    return found + 0.1 * torch.linalg.cross(found, vectors.sum(0), dim=-1)


def running(vectors):
    """The order decides on all sums but the last one."""
    ranked = vectors[vectors.norm(dim=-1).argsort()]
    return ranked.cumsum(0) * torch.linalg.det(vectors[:3])


def sums(vectors):
    return vectors[vectors.norm(dim=-1).argsort()].cumsum(0)


def along_an_axis(vectors):
    found = farthest(vectors)
    return found * found[2]


@pytest.mark.parametrize(
    ("function", "mechanism"), [(handed, "parity"), (partly_handed, "mixed-parity"), (running, "parity")]
)
def test_the_parity_is_told_and_not_the_tie(function, mechanism):
    report = eq.check(function, SPHERE, "1x1o", "1x1o", group="o3")
    (finding,) = report.findings
    assert {v.symmetry: v.verdict for v in report.verdicts} == {"rotation": "holds", "inversion": "broken"}, report
    assert (finding.cause, finding.mechanism) == ("wrong-irrep", mechanism), report
    assert "the example holds a tie" in finding.evidence
    assert "discrete-tie" in {note.cause for note in report.notes}


@pytest.mark.parametrize("function", [farthest, sums])
def test_a_tie_alone_is_no_finding(function):
    report = eq.check(function, SPHERE, "1x1o", "1x1o", group="o3")
    assert report.ok, report


def test_a_fixed_axis_behind_a_tie_is_no_parity():
    report = eq.check(along_an_axis, SPHERE, "1x1o", "1x1o", group="o3")
    assert "rotation" in {s for f in report.findings for s in f.symmetries}, report
    assert not {"parity", "mixed-parity"} & {f.mechanism for f in report.findings}
