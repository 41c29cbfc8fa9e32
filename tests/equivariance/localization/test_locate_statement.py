"""From the layer to the statement."""

import inspect

import pytest
import torch

import equivariance as eq
from tests.equivariance.helpers import broken_statements as cases
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

POINTS = eq.CartesianPoints(nodes=0, batch=None)
VECTORS = eq.Irreps(irreps="1x1o", nodes=0, batch=None)
NUMBERS = eq.Invariant(nodes=0, batch=None)

BROKEN = [
    (cases.Bias, "rotation", NUMBERS, ""),
    (cases.Rectified, "rotation", VECTORS, ""),
    (cases.Components, "rotation", VECTORS, ""),
    (cases.Branch, "rotation", VECTORS, ""),
    (cases.Helper, "rotation", VECTORS, ""),
    (cases.Normed, "rotation", VECTORS, "norm"),
    (cases.InPlace, "rotation", VECTORS, ""),
    (cases.Absolute, "translation", NUMBERS, ""),
    (cases.Looped, "rotation", NUMBERS, "layers.1"),
    (cases.Upright, "rotation", VECTORS, ""),
    (cases.Iterated, "rotation", VECTORS, ""),
    (cases.CalledAgain, "rotation", VECTORS, ""),
    (cases.LaidOut, "rotation", VECTORS, ""),
    (cases.Scrambled, "rotation", VECTORS, ""),
    (cases.Crossed, "inversion", VECTORS, ""),
    (cases.Ordered, "permutation", VECTORS, ""),
    (cases.Summed, "permutation", VECTORS, ""),
    (cases.First, "permutation", VECTORS, ""),
    (cases.Numbered, "permutation", NUMBERS, ""),
]
SOUND = [cases.Polar, cases.Frames, cases.Eigen, cases.Filled]


def marked(case):
    lines, _ = inspect.getsourcelines(cases)
    return {i for i, line in enumerate(lines, 1) if line.rstrip().endswith(f"# at fault: {case.__name__}")}


def diagnosed(case, symmetry, output, seed=0):
    torch.manual_seed(seed)
    group = {"rotation": "so3", "inversion": "o3"}.get(symmetry, symmetry)
    return eq.diagnose(case(), normal(10, 3, seed=seed), POINTS, output, group=group, samples=4, seed=seed)


@pytest.mark.parametrize(("case", "symmetry", "output", "layer"), BROKEN)
@pytest.mark.parametrize("seed", range(3))
def test_the_statement_is_named(case, symmetry, output, layer, seed):
    report = diagnosed(case, symmetry, output, seed)
    found = {(layer, f.location.line) for f in report.findings for layer in f.layers if symmetry in f.symmetries}
    assert found == {(layer, line) for line in marked(case)}, report


@pytest.mark.parametrize("case", [cases.Iterated, cases.CalledAgain])
def test_a_statement_that_breaks_again_what_it_has_broken_is_confirmed(case):
    report = diagnosed(case, "rotation", VECTORS)
    assert [f.located for f in report.findings] == ["confirmed"], report


@pytest.mark.parametrize("case", SOUND)
@pytest.mark.parametrize("symmetry", ["rotation", "translation", "permutation"])
def test_sound_insides_are_not_named(case, symmetry):
    report = diagnosed(case, symmetry, VECTORS)
    assert report.ok, report


@pytest.mark.slow
def test_two_statements_at_fault_are_both_named():
    report = diagnosed(cases.Twice, "rotation", NUMBERS)
    assert {f.location.line for f in report.findings} == marked(cases.Twice), report
    assert all(f.located == "confirmed" for f in report.findings)
