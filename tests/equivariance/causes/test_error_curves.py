"""The curves of a finding, its errors by node, and the cloud of a report."""

import dataclasses
import math

import pytest
import torch

import equivariance as eq
from equivariance import CartesianPoints, Concatenated, Irreps
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal, relative

pytestmark = pytest.mark.numeric

POINTS, VECTORS = normal(12, 3), normal(6, 4, 3)


def finding_of(report, symmetry):
    (found,) = [f for f in report.findings if symmetry in f.symmetries]
    return found


def curves(finding):
    return {curve.over: curve for curve in finding.curves}


def check(function, inputs=VECTORS, takes="1x1o", gives="1x1o", group="so3"):
    return eq.check(function, inputs, takes, gives, group=group, samples=4)


def test_a_linear_break_of_translations_grows_in_proportion():
    report = check(lambda x: relative(x) + 0.25 * x, POINTS, "cartesian_points", group="translation")
    found = finding_of(report, "translation")
    curve = curves(found)["translation"]
    assert list(curve.values) == sorted(curve.values)
    for length, error in zip(curve.values, curve.errors, strict=True):
        expected = 0.25 * length * len(POINTS) ** 0.5 / float((relative(POINTS) + 0.25 * POINTS).norm())
        assert error == pytest.approx(expected, rel=1e-5)


def test_the_error_over_the_angle_is_that_of_each_angle():
    found = finding_of(check(lambda x: x + 0.3), "rotation")
    curve = curves(found)["angle"]
    assert curve.values[-1] == pytest.approx(math.pi)
    assert all(a < b for a, b in zip(curve.errors, curve.errors[1:], strict=False))
    assert "translation" not in curves(found)


def test_a_constant_counts_less_for_larger_inputs_and_an_even_power_more():
    constant = curves(finding_of(check(lambda x: x + 1e-3), "rotation"))["scale"]
    assert constant.errors[0] / constant.errors[-1] == pytest.approx(16, rel=0.1)
    square = curves(finding_of(check(lambda x: x + 1e-3 * x.square()), "rotation"))["scale"]
    assert square.errors[-1] / square.errors[0] == pytest.approx(16, rel=0.1)


def test_a_structural_break_is_the_same_in_every_precision_and_a_constant_in_float32_is_not():
    curve = curves(finding_of(check(lambda x: x + 0.3), "rotation"))["precision"]
    assert list(curve.values) == [torch.finfo(d).eps for d in (torch.float64, torch.float32, torch.bfloat16)]
    assert curve.errors == pytest.approx([curve.errors[0]] * 3, rel=0.05)


def test_the_curves_of_a_layer_are_those_of_its_own_code():
    network = Stack(Scale(), Mix(), Applied(lambda x: x + x.roll(1, -1)))
    report = eq.diagnose(network, VECTORS, "1x1o", "1x1o", group="so3", samples=4)
    assert len(report.findings) == 2
    for found in report.findings:
        scale = curves(found)["scale"]
        assert scale.errors == pytest.approx([scale.errors[0]] * 5)
        assert curves(found)["precision"].errors[0] == pytest.approx(found.error)


def test_curves_have_finite_points_only():
    for symmetry, function in (("permutation", lambda x: x.cumsum(0)), ("rotation", torch.relu)):
        found = finding_of(check(function, group=["so3", "permutation"]), symmetry)
        assert all(math.isfinite(v) for curve in found.curves for v in (*curve.values, *curve.errors))
        assert all(len(curve.values) == len(curve.errors) >= 2 for curve in found.curves)


def spoiled(node):
    def function(x):
        rows = torch.arange(len(x)) == node
        return torch.where(rows[:, None], x.abs(), x)

    return function


def test_the_broken_node_is_the_one_with_an_error():
    report = check(spoiled(5), POINTS)
    errors = finding_of(report, "rotation").node_errors
    assert errors == ()  # vectors are no positions: there is no cloud
    points = check(lambda x: spoiled(5)(relative(x)), POINTS, "cartesian_points")
    found = finding_of(points, "rotation")
    assert len(found.node_errors) == len(points.cloud) == 12
    assert [i for i, e in enumerate(found.node_errors) if e > 1e-9] == [5]
    mean_square = sum(e * e for e in found.node_errors) / 12
    assert math.sqrt(mean_square) == pytest.approx(found.error, rel=1e-6)


def test_errors_are_in_the_order_of_the_nodes_of_the_input():
    def function(x):
        return relative(x) * (1 + (torch.arange(12) == 7).to(x))[:, None]

    found = finding_of(check(function, POINTS, "cartesian_points", group="permutation"), "permutation")
    wrong = [i for i, e in enumerate(found.node_errors) if e > 1e-9]
    assert 7 in wrong
    assert len(wrong) == 2


@pytest.mark.parametrize("layout", ["axis", "concatenated", "sizes"])
def test_the_first_sample_of_a_batch_is_shown(layout):
    clouds = normal(2, 5, 3)
    takes = CartesianPoints(nodes=1, batch=0)
    gives = Irreps("1x1o", nodes=1, batch=0)
    inputs = clouds
    if layout != "axis":
        batch = Concatenated(0, (5, 5) if layout == "sizes" else None)
        takes, gives = CartesianPoints(nodes=0, batch=batch), Irreps("1x1o", nodes=0, batch=batch)
        inputs = clouds.reshape(10, 3)

    def function(x):
        return relative(x.reshape(2, 5, 3)).abs().reshape(x.shape)

    report = check(function, inputs, takes, gives)
    assert torch.tensor(report.cloud).shape == ((5, 3) if layout != "concatenated" else (len(report.cloud), 3))
    torch.testing.assert_close(torch.tensor(report.cloud)[:5], clouds[0], atol=1e-5, rtol=1e-5)
    assert len(finding_of(report, "rotation").node_errors) == len(report.cloud)


def test_no_positions_no_cloud():
    assert check(lambda x: x).cloud == ()
    assert len(check(relative, POINTS, "cartesian_points").cloud) == 12


def test_a_finding_stays_data():
    found = finding_of(check(torch.relu), "rotation")
    assert dataclasses.asdict(found)["curves"][0]["over"] == "angle"
