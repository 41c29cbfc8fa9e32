"""Examples that make the output zero prove nothing: Hypothesis discards them, and shrinks to real counterexamples."""

import pytest
import torch

import equivariance as eq
from equivariance.findings import AT_EXAMPLE_ONLY
from tests.equivariance.helpers.plugin_runs import run, text_of

pytest_plugins = ["pytester"]

TEST = """
import torch
from equivariance import strategies as es

class Net(torch.nn.Module):
    def forward(self, pos):
        {code}

PHASES = set(Phase) - {{Phase.explain}}

@settings(max_examples=12, deadline=None, derandomize=True, database=None, phases=PHASES)
@given(cloud=es.point_clouds(min_points=2, max_points=5))
def test_law(eq_check, cloud):
    eq_check(Net().double(), cloud, "cartesian_points", {gives}, group="so3", samples=2)
"""

SOUND = {
    "squared distances": ("return (pos - pos.mean(0)).square().sum(-1)", None),
    "centred": ("return pos - pos.mean(0)", "1x1o"),
    "volumes": ("c = pos - pos.mean(0); return torch.cross(c, c.roll(1, 0), dim=-1)", "1x1e"),
    "neighbours": ("d = torch.cdist(pos, pos); return pos[d.topk(2, largest=False).indices[:, 1]] - pos", "1x1o"),
}
BROKEN = {
    "component": ("c = pos - pos.mean(0); return (c * c.sum(-1, keepdim=True)).sum(0)", "1x1o"),
    "one axis": ("return (pos - pos.mean(0))[:, 2].square()", None),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SOUND)
def test_a_sound_network_passes_whatever_the_clouds_are(pytester, name):
    code, gives = SOUND[name]
    run(pytester, TEST.format(code=code, gives=repr(gives))).assert_outcomes(passed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_a_break_shrinks_to_points_that_show_it(pytester, name):
    code, gives = BROKEN[name]
    result = run(pytester, TEST.format(code=code, gives=repr(gives)))
    result.assert_outcomes(failed=1)
    assert "1. rotation: " in text_of(result)
    assert "vanishing" not in text_of(result)


@pytest.mark.slow
def test_a_network_that_is_zero_for_all_inputs_fails(pytester):
    result = run(pytester, TEST.format(code="return 0 * pos", gives='"1x1o"'))
    result.assert_outcomes(failed=1)
    assert "vanishing in (the whole)" in text_of(result)


def centred(x):
    return x - x.mean(0)


def test_a_degenerate_example_is_told_from_a_network_that_is_zero():
    at_one_place = torch.ones(4, 3)
    report = eq.check(centred, at_one_place, "cartesian_points", "1x1o", group="so3")
    assert [f.cause for f in report.findings] == ["vanishing"]
    assert report.degenerate
    assert AT_EXAMPLE_ONLY in report.findings[0].evidence
    assert report.untested == (("rotation", f"the output is zero everywhere {AT_EXAMPLE_ONLY}"),)
    assert "another example" in report.findings[0].fix
    zero = eq.check(lambda x: 0 * x, at_one_place, "cartesian_points", "1x1o", group="so3")
    assert zero.untested == (("rotation", "the output is zero everywhere"),)
    assert not zero.degenerate


def test_an_example_at_the_origin_is_degenerate_too():
    assert eq.check(centred, torch.zeros(4, 3), "cartesian_points", "1x1o", group="so3").degenerate


def test_a_part_that_is_zero_at_the_example_only():
    flat = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 1, 0])

    def size_and_volume(x):
        a, b, c = (x[i] - x[0] for i in (1, 2, 3))
        return torch.stack([a.norm(), torch.dot(torch.cross(a, b, dim=-1), c)])

    report = eq.check(size_and_volume, flat, "cartesian_points", "1x0e+1x0o", group="so3")
    assert report.degenerate
    assert "1x0o" in report.findings[0].evidence


def test_a_break_at_a_degenerate_example_is_none_the_less_one():
    broken = eq.check(lambda x: centred(x) + (x[:, 2:] > 0), torch.ones(4, 3), "cartesian_points", "1x1o", group="so3")
    assert {f.cause for f in broken.findings} != {"vanishing"}
    assert not broken.degenerate
