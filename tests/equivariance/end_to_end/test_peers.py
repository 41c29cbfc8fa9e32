"""The statements of the README about e3nn's tester, tried on it."""

import torch
from e3nn.util.test import assert_equivariant as e3nn_assert_equivariant

import equivariance as eq


def test_an_output_of_nan_passes_e3nns_and_fails_ours():
    def broken(x):
        return x * float("nan")

    x = torch.randn(8, 3)
    e3nn_assert_equivariant(broken, [x], irreps_in=["1x1o"], irreps_out=["1x1o"])
    report = eq.check(broken, (x,), "1x1o", "1x1o", group="o3")
    assert [f.cause for f in report.findings] == ["not-finite"]


def test_a_broken_output_of_tiny_magnitude_passes_e3nns_and_fails_ours():
    def broken(x):
        return 1e-12 * x.abs()

    x = torch.randn(8, 3)
    e3nn_assert_equivariant(broken, [x], irreps_in=["1x1o"], irreps_out=["1x1o"])
    report = eq.check(broken, (x,), "1x1o", "1x1o", group="so3")
    assert {symmetry for f in report.findings for symmetry in f.symmetries} == {"rotation"}
