"""Statements in frames of the network's own choice, and replacements that heal one output and break another."""

import inspect

import pytest
import torch

import equivariance as eq
from tests.equivariance.helpers import broken_frames as cases
from tests.equivariance.helpers.specimens import normal
from tests.equivariance.localization.test_locate_statement import NUMBERS, POINTS, VECTORS


def lines_of(case):
    lines, _ = inspect.getsourcelines(cases)
    return {i for i, line in enumerate(lines, 1) if line.rstrip().endswith(f"# at fault: {case.__name__}")}


def diagnosed(case, group, output, seed):
    torch.manual_seed(seed)
    return eq.diagnose(case(), normal(10, 3, seed=seed), POINTS, output, group=group, samples=4, seed=seed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("group", ["so3", "translation"])
def test_a_choice_that_drops_out_is_not_named(group, seed):
    report = diagnosed(cases.AlongEdges, group, VECTORS, seed)
    assert report.ok, report


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", [cases.Unequal, cases.BentInFrame, cases.Whitened, cases.Height, cases.Cancelled])
def test_what_minds_the_choice_is_named_and_not_the_choice(case, seed):
    report = diagnosed(case, "so3", VECTORS, seed)
    assert [(f.location.line, f.located) for f in report.findings] == [(*lines_of(case), "confirmed")], report


@pytest.mark.parametrize("seed", range(3))
def test_a_replacement_that_breaks_another_output_is_refused(seed):
    report = diagnosed(cases.OneOfTwo, "translation", [NUMBERS, VECTORS], seed)
    assert [(f.location.line, f.located) for f in report.findings] == [(*lines_of(cases.OneOfTwo), "confirmed")], report


@pytest.mark.parametrize("seed", range(3))
def test_axes_without_signs_depend_on_the_frame(seed):
    report = diagnosed(cases.Principal, "so3", NUMBERS, seed)
    assert [f.location.line for f in report.findings] == [*lines_of(cases.Principal)], report
    assert report.findings[0].cause == "frame-dependent"
    assert "takes eigenvectors" in report.findings[0].evidence


@pytest.fixture
def edges_and_vectors():
    return normal(12, 4, 3, seed=1), normal(12, 3, seed=2)


def in_a_row(layer, given, seed):
    torch.manual_seed(seed)
    return eq.diagnose(
        cases.InARow(layer),
        given,
        irreps_in={"v": VECTORS, "edges": VECTORS},
        irreps_out=VECTORS,
        group="so3",
        samples=4,
        seed=seed,
    )


@pytest.mark.parametrize("seed", range(2))
def test_layers_in_a_frame_may_be_sound(edges_and_vectors, seed):
    report = in_a_row(cases.OrderOne, edges_and_vectors, seed)
    assert report.ok, report
    assert not report.notes, report


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("case", [cases.BiasInFrame, cases.BiasOnHalves, cases.SignInFrame])
def test_layers_that_are_called_in_a_frame_are_named_and_not_the_choice(case, edges_and_vectors, seed):
    report = in_a_row(case, edges_and_vectors, seed)
    found = {(layer, f.location.line, f.located) for f in report.findings for layer in f.layers}
    line = next(iter(lines_of(case)))
    assert found == {("first", line, "confirmed"), ("second", line, "confirmed")}, report
    assert all("does not drop out here" in f.evidence and "(a, -b; b, a)" in f.fix for f in report.findings), report
