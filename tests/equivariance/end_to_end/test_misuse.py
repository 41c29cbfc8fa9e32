"""Input that cannot be used: one error that names the argument, the value and what was expected."""

import numpy as np
import pytest
from torch import nn

import equivariance as eq
from equivariance.errors import ArgumentError, ContractError
from tests.equivariance.helpers.specimens import Scale, Stack, normal, relative

VECTORS = normal(6, 4, 3)
POINTS = normal(9, 3)


@pytest.mark.parametrize("function", [eq.check, eq.diagnose, eq.assert_equivariant])
@pytest.mark.parametrize("output", [None, 3.0, "text", np.zeros((6, 4, 3)), object(), [], {"x": None}])
def test_an_output_without_tensors_is_no_success(function, output):
    with pytest.raises(ArgumentError, match=r"output=.*expected (at least one tensor|a tensor)"):
        function(lambda x: output, (VECTORS,), ("1x1o",), "1x1o", group="so3", samples=1)


def test_numpy_arrays_are_not_passed_over():
    with pytest.raises(ContractError, match=r"the callable: output\[1\]='NumPy array of shape \(6,\)'"):
        eq.check(lambda x: (x, np.zeros(6)), VECTORS, "1x1o", ["1x1o", None], group="so3", samples=1)
    with pytest.raises(ContractError, match="args: positions='list': expected a tensor, for CartesianPoints"):
        eq.check(relative, ([[0.0, 1.0, 2.0]],), ("cartesian_points",), "1x1o", samples=1)


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        (POINTS.to_sparse(), "torch.sparse_coo"),
        (POINTS.to("meta"), "meta"),
    ],
)
def test_tensors_without_plain_values_are_refused(tensor, kind):
    words = rf"args: x='{kind} tensor of shape \(9, 3\)': expected a dense tensor with values"
    with pytest.raises(ContractError, match=words):
        eq.check(lambda x: x * 1, tensor, "1x1o", "1x1o", group="so3", samples=1)


def test_concatenated_samples_need_sizes():
    spec = eq.Irreps("1x1o", nodes=0, batch=eq.Concatenated())
    for group in ("permutation", "batch"):
        with pytest.raises(
            ArgumentError,
            match=f"group='{group}': .*it needs .*with sizes if concatenated",
        ):
            eq.check(lambda x: x, POINTS, spec, spec, group=group)


def test_an_output_that_does_not_fit_is_named():
    with pytest.raises(ContractError, match="the callable: output='tensor of shape"):
        eq.check(relative, POINTS, "cartesian_points", "2x1o", samples=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 2**31}, "seed=2147483648: expected a whole number of at least 0, at most 2147483647"),
        ({"seed": "0"}, "seed='0': expected a whole number"),
        ({"samples": 10**9}, "samples=1000000000: expected a whole number of at least 1, at most 1000000"),
        ({"layers": 3}, "layers=3: expected a substring of paths"),
        ({"layers": ["layers.0"]}, "layers=.*: expected a substring of paths"),
        ({"contracts": [3]}, r"contracts=\[3\]: expected contracts by layer path or glob, as a dict"),
        ({"contracts": {"layers.0": "1x1o"}}, r"contracts\['layers.0'\]='1x1o': expected a Contract"),
        ({"kwargs": {"y": 3}}, "args=.*unexpected keyword argument 'y'"),
    ],
)
def test_options_of_a_wrong_kind_are_refused(options, words):
    with pytest.raises(ArgumentError, match=words):
        eq.diagnose(Stack(Scale()), VECTORS, "1x1o", "1x1o", group="so3", **{"samples": 1, **options})


def test_the_largest_seed_can_be_used():
    groups = ["e3", "permutation", "batch"]
    assert eq.check(relative, POINTS, "cartesian_points", "1x1o", group=groups[:2], seed=2**31 - 1, samples=2).ok


def test_other_arguments_of_a_wrong_kind_are_refused():
    with pytest.raises(ArgumentError, match=r"func=.*expected an instance, as in Scale\(\.\.\.\), not the class"):
        eq.check(Scale, VECTORS, "1x1o", "1x1o")
    with pytest.raises(ArgumentError, match="inputs=3: expected representations by parameter name"):
        eq.Contract(3, "1x1o")
    with pytest.raises(ArgumentError, match="max_norm='far': expected a positive finite length"):
        eq.groups.Translations("far")


class FixedBatch(nn.Module):
    def forward(self, x):
        return x.reshape(6, 4, 3) * 2


def test_a_callable_that_refuses_transformed_inputs_is_a_finding():
    spec = eq.Irreps("1x1o", nodes=None, batch=0)
    report = eq.check(FixedBatch(), VECTORS, spec, spec, group="batch")
    (finding,) = report.findings
    assert (finding.symmetry, finding.cause, finding.located) == ("batch", "batch-coupled", "suspect")
    assert "on transformed inputs it raises RuntimeError" in finding.evidence
    assert repr(finding.counterexample) == "samples([0], of=6)"
    assert report.verdicts[0].verdict == "broken"
    assert eq.check(FixedBatch(), VECTORS, spec, spec, group=eq.groups.samples([1, 0, 2, 3, 4, 5], of=6)).ok
