"""Defects that show without any transformation: NaN, zeros, randomness, changed arguments."""

import numpy as np
import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance import Contract
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal

pytestmark = pytest.mark.numeric

VECTORS = normal(6, 4, 3)


def diagnosed(*layers, group="se3", irreps_out="1x1o", **options):
    return eq.diagnose(Stack(*layers), VECTORS, "1x1o", irreps_out, group=group, samples=3, **options)


def told(findings):
    return {(layer, symmetry, f.cause) for f in findings for layer in f.layers for symmetry in f.symmetries}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_an_output_that_is_not_finite_is_a_finding(value):
    report = eq.check(lambda x: x * value, VECTORS, "1x1o", "1x1o")
    assert told(report.findings) == {("", "none", "not-finite")}
    assert not report.ok


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_one_entry_that_is_not_finite_is_enough(value):
    def spoil(x):
        return torch.where(torch.arange(3) == 2, value, x) if x.shape[0] else x

    report = eq.check(spoil, VECTORS, "1x1o", "1x1o")
    assert told(report.findings) == {("", "none", "not-finite")}
    assert "24 of 72 entries" in report.findings[0].evidence


def test_the_first_layer_that_makes_nan_is_named_and_no_other():
    report = diagnosed(Scale(), Applied(lambda x: x - x.max() + torch.log(-x.abs())), Scale())
    assert told(report.findings) == {("layers.1", "none", "not-finite")}
    assert report.findings[0].error == float("inf")


class Masked(nn.Module):
    """Masks with minus infinity, as one does, and takes the logarithm of what may be negative."""

    def forward(self, x):
        lengths = x.norm(dim=-1)
        logits = lengths.masked_fill(lengths > lengths.median(), -torch.inf)
        weights = logits.softmax(-1)
        grown = torch.log(weights - 0.01)  # makes NaN
        return x * (grown + 1).unsqueeze(-1)


class Dropping(nn.Module):
    def forward(self, x):
        lengths = x.norm(dim=-1, keepdim=True)
        lengths = torch.nn.functional.dropout(lengths, 0.5)  # draws
        return x * lengths


@pytest.mark.parametrize(
    ("layer", "cause", "mark"), [(Masked, "not-finite", "makes NaN"), (Dropping, "nondeterministic", "draws")]
)
def test_the_statement_that_makes_nan_or_draws_is_named(layer, cause, mark):
    report = diagnosed(Scale(), Applied(layer().forward), Scale())
    found = next(f for f in report.findings if f.cause == cause)
    assert found.layer == "layers.1"
    assert (found.location.source.partition("# ")[2], found.located) == (mark, "confirmed")


def test_nan_in_perturbed_weights_only_is_found():
    class Root(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(8))

        def forward(self, x):
            return x * torch.sqrt(-self.bias.abs()).sum()

    assert ("", "none", "not-finite") in told(eq.check(Root(), VECTORS, "1x1o", "1x1o").findings)


def test_nan_under_a_transformation_only_is_found():
    def fragile(x):
        return x / (x.detach()[0, 0, 0] == VECTORS[0, 0, 0].double()).to(x) if x.dtype == torch.float64 else x

    report = eq.check(fragile, VECTORS.double(), "1x1o", "1x1o", group="so3")
    assert told(report.findings) == {("", "rotation", "not-finite")}


@pytest.mark.parametrize("group", ["so3", "permutation", "batch"])
def test_an_output_of_zeros_proves_nothing(group):
    report = eq.check(lambda x: x * 0, VECTORS, "1x1o", "1x1o", group=group)
    assert told(report.findings) == {("", "none", "vanishing")}


def test_one_irrep_of_zeros_proves_nothing_about_that_irrep():
    report = eq.check(lambda x: torch.cat([x, x * 0], -1), VECTORS, "1x1o", "1x1o+1x1e", group="so3")
    assert told(report.findings) == {("", "none", "vanishing")}
    assert "1x1e" in report.findings[0].evidence


def test_a_leaf_of_zeros_among_others_is_found_by_its_place():
    report = eq.check(lambda x: {"a": x, "b": [x.sum() * 0]}, VECTORS, "1x1o", {"a": "1x1o", "b": [None]}, group="so3")
    assert told(report.findings) == {("", "none", "vanishing")}
    assert "['b'][0]" in report.findings[0].evidence


def test_an_inner_layer_of_zeros_is_a_note():
    class Gated(Stack):
        def forward(self, x):
            return x + self.layers[0](x)

    report = eq.diagnose(Gated(Applied(lambda x: 0 * x)), VECTORS, "1x1o", "1x1o", samples=2)
    assert report.ok
    assert ("layers.0", "none", "vanishing") in told(report.notes)


class Dead(nn.Module):
    """Its units are dead, with any weights near these: what is left is its bias."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(1, 2)
        self.threshold = nn.Parameter(torch.tensor(1e6))

    def forward(self, x):
        return self.out(torch.relu(x.norm(dim=-1, keepdim=True) - self.threshold))


def test_an_output_that_no_input_changes_is_a_note():
    report = eq.check(Dead(), VECTORS, "1x1o", "2x0e")
    assert report.ok
    (note,) = report.notes
    assert (note.layer, note.symmetry, note.cause) == ("", "none", "vanishing")
    assert note.evidence.startswith("output is the same to the last bit where every floating-point input is 10% off")
    assert note.fix.startswith("Give inputs and weights for which the output depends on the inputs")


@pytest.mark.parametrize("function", [lambda x: x.norm(dim=-1), lambda x: (x.norm(dim=-1) > 1e6).long()])
def test_an_output_that_an_input_changes_or_that_counts_is_none(function):
    assert not [n for n in eq.check(function, VECTORS, "1x1o", None).notes if n.cause == "vanishing"]


def test_zeros_before_training_only_are_no_finding():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.zeros(()))

        def forward(self, x):
            return self.gain * x

    assert eq.check(Residual(), VECTORS, "1x1o", "1x1o").ok


def test_chance_in_evaluation_mode_is_found_at_its_layer():
    report = diagnosed(Scale(), Applied(lambda x: x * (1 + torch.rand(()))), Scale())
    assert ("layers.1", "none", "nondeterministic") in told(report.findings)
    assert "random seed" in report.findings[0].evidence
    assert ("layers.2", "none", "nondeterministic") not in told(report.findings)


def test_chance_below_rounding_is_a_note_and_hides_no_chance_above():
    def trembling(x):
        return x * (1 + 1e-15 * torch.randint(2, (), dtype=torch.float64)).to(x)

    report = eq.check(trembling, VECTORS.double(), "1x1o", "1x1o", group="so3", samples=2, seed=3)
    assert report.ok, report
    assert told(report.notes) >= {("", "none", "nondeterministic")}
    both = diagnosed(Applied(trembling), Applied(lambda x: x * (1 + torch.rand(()))))
    assert ("layers.1", "none", "nondeterministic") in told(both.findings)


def test_a_memory_of_earlier_calls_is_found():
    class Counter(nn.Module):
        irreps_in = irreps_out = "1x1o"

        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x * self.calls

    report = diagnosed(Scale(), Counter())
    assert ("layers.1", "none", "nondeterministic") in told(report.findings)
    assert "identical" in report.findings[0].evidence


@pytest.mark.parametrize("draw", [torch.rand, np.random.rand, np.random.default_rng().normal])
def test_random_numbers_that_change_nothing_are_at_most_a_note(draw):
    def function(x):
        draw(1)
        return x * 2

    report = diagnosed(Scale(), Applied(function), Scale())
    assert report.ok
    assert told(report.notes) <= {("layers.1", "none", "nondeterministic")}


def test_drawing_from_torch_in_evaluation_mode_is_a_note():
    def function(x):
        torch.rand(1)
        return x * 2

    report = diagnosed(Scale(), Applied(function), Scale())
    assert told(report.notes) == {("layers.1", "none", "nondeterministic")}
    assert "random generator" in report.notes[0].evidence
    assert report.notes[0].location.source == "torch.rand(1)"


def test_an_argument_changed_in_place_is_found_where_it_matters():
    report = diagnosed(Applied(lambda x: x.add_(1).sub_(1).mul_(2)))
    assert ("layers.0", "none", "nondeterministic") in told(report.findings)
    assert "in place" in report.findings[0].evidence


def test_an_argument_changed_in_place_between_layers_is_a_note():
    report = diagnosed(Scale(), Applied(lambda x: x.mul_(2)), Scale())
    assert report.ok
    assert ("layers.1", "none", "nondeterministic") in told(report.notes)


def test_in_place_changes_hide_no_break_and_fake_none():
    report = diagnosed(Scale(), Applied(lambda x: x.mul_(2)), Mix(), Scale(), group="so3")
    assert told(report.findings) == {("layers.2", "rotation", "component-mixing")}


def test_the_argument_of_the_caller_is_not_changed():
    given = VECTORS.clone()
    eq.check(lambda x: x.mul_(2), given, "1x1o", "1x1o")
    assert torch.equal(given, VECTORS)


def test_a_switched_default_dtype_is_a_note_and_is_undone():
    def function(x):
        torch.set_default_dtype(torch.float64)
        return x * 2

    before = torch.get_default_dtype()
    report = diagnosed(Scale(), Applied(function))
    assert torch.get_default_dtype() == before
    assert report.ok
    assert ("layers.1", "none", "nondeterministic") in told(report.notes)
    assert "default dtype" in report.notes[0].evidence


@pytest.mark.parametrize("size", [1e-12, 1e-30, 1e12])
def test_the_size_of_the_output_does_not_matter(size):
    assert eq.check(lambda x: x * size, VECTORS, "1x1o", "1x1o").ok
    broken = eq.check(lambda x: x * size * torch.tensor([1, 1, 1.5]), VECTORS, "1x1o", "1x1o", group="so3")
    assert told(broken.findings) == {("", "rotation", "frame-dependent")}


def test_an_integer_output_of_zeros_is_no_finding():
    assert eq.check(lambda x: torch.zeros(len(x), dtype=torch.int64), VECTORS, "1x1o", None).ok


def test_an_empty_output_is_no_crash():
    contract = {"layers.0": Contract({"x": "1x1o"}, "1x1o")}
    assert diagnosed(Applied(lambda x: x[:0]), contracts=contract) is not None
