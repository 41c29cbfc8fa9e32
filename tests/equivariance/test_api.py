"""The public functions: arguments in every shape, counterexamples that replay, errors that say what was expected."""

import re
from collections import OrderedDict, namedtuple

import pytest
import torch
from e3nn import o3
from torch import nn

import equivariance as eq
from equivariance import Irreps, groups
from equivariance.errors import ArgumentError, ChoiceError, EquivarianceAssertionError, UndeclaredTensorError
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal, relative

pytestmark = pytest.mark.numeric

VECTORS = normal(6, 4, 3)
POINTS = normal(9, 3)


def told(report):
    return {(layer, symmetry, f.cause) for f in report.findings for layer in f.layers for symmetry in f.symmetries}


# Calls in every shape


def sound(positions, features=None, *, gain=1.0, extra=None):
    result = relative(positions) * gain
    return result if features is None else {"vectors": result, "scalars": [features, (features, None)]}


NESTED_OUT = {"vectors": "1x1o", "scalars": [None, (None, None)]}


@pytest.mark.parametrize(
    ("args", "irreps_in", "irreps_out", "kwargs"),
    [
        (POINTS, "cartesian_points", "1x1o", None),
        ((POINTS,), ("cartesian_points",), o3.Irreps("1o"), None),
        ([POINTS], ["cartesian_points"], "1x1o", {"gain": 3}),
        ((POINTS, normal(9)), ("cartesian_points", None), NESTED_OUT, None),
        ((POINTS,), {"positions": "cartesian_points", "features": None}, NESTED_OUT, {"features": normal(9)}),
        ((POINTS,), {"positions": "cartesian_points", "gain": None}, "1x1o", {"gain": torch.tensor(2.0)}),
        ((POINTS,), {"positions": "cartesian_points"}, "1x1o", {"extra": {"name": "x", "numbers": [1, 2]}}),
        ((), {"positions": "cartesian_points"}, "1x1o", {"positions": POINTS}),
    ],
)
def test_arguments_come_in_every_shape(args, irreps_in, irreps_out, kwargs):
    report = eq.check(sound, args, irreps_in, irreps_out, kwargs=kwargs, group=["e3", "permutation"], samples=3)
    assert report.ok, report
    assert {row.symmetry for row in report.layers} == {"translation", "rotation", "inversion", "permutation"}


Pair = namedtuple("Pair", ["first", "second"])


@pytest.mark.parametrize("container", [dict, OrderedDict])
def test_containers_keep_their_type(container):
    def function(given):
        assert type(given) is container
        assert type(given["pair"]) is Pair
        return Pair(given["pair"].second, [given["x"]])

    given = container(x=VECTORS, pair=Pair(1, VECTORS))
    spec = {"x": "1x1o", "pair": [None, "1x1o"]}
    report = eq.check(function, (given,), ({"given": spec}["given"],), ["1x1o", ["1x1o"]], group="so3", samples=2)
    assert report.ok


def test_a_dict_argument_is_told_from_a_dict_of_arguments():
    def function(given):
        return given["x"] * 2

    for irreps_in in ({"given": {"x": "1x1o"}}, {"x": "1x1o"}, ({"x": "1x1o"},)):
        assert eq.check(function, {"x": VECTORS}, irreps_in, "1x1o", group="so3", samples=2).ok


@pytest.mark.parametrize("function", [Scale().forward, Scale(), torch.sin, lambda x: x * 2])
def test_methods_modules_builtins_and_lambdas_are_callables(function):
    assert eq.check(function, VECTORS, None, None, group="so3", samples=1).ok


def test_a_module_within_a_module_is_checked_as_a_whole():
    report = eq.check(Stack(Scale(), Mix()), VECTORS, "1x1o", "1x1o", group="so3", samples=2)
    assert {row.layer for row in report.layers} == {""}
    assert told(report) == {("", "rotation", "component-mixing")}


def test_the_function_can_be_called_after_the_module_is_imported():
    import equivariance.cli.main  # what a user may write before calling it

    report = equivariance.diagnose(Stack(Mix()), VECTORS, "1x1o", "1x1o", group="so3", samples=2)
    assert not report.ok


def test_compiled_code_without_source_has_no_location():
    linear = o3.Linear("1x1o", "1x1o")
    report = eq.check(
        linear._compiled_main,
        (VECTORS, linear.weight, torch.zeros(0)),
        ("1x1o", None, None),
        "1x1e",
        group="o3",
        samples=1,
    )
    assert [f.location for f in report.findings] == [None]
    assert "no Python source" in str(report)


# Counterexamples


BROKEN = {
    "translation": (lambda x: x + relative(x), "cartesian_points", "1x1o", POINTS),
    "rotation": (lambda x: x + 0.3, "1x1o", "1x1o", VECTORS),
    "inversion": (lambda x: torch.linalg.cross(x, x.roll(1, -2)), "1x1o", "1x1o", VECTORS),
    "permutation": (lambda x: x.cumsum(0), "1x1o", "1x1o", VECTORS),
    "batch": (lambda x: x - x.mean((0, 1)), *(2 * [Irreps("1x1o", nodes=1, batch=0)]), VECTORS),
}


GROUPS = {
    "translation": "translation",
    "rotation": "so3",
    "inversion": "o3",
    "permutation": "permutation",
    "batch": "batch",
}


@pytest.mark.parametrize("symmetry", BROKEN)
def test_a_counterexample_reproduces_the_finding_from_its_text(symmetry):
    function, irreps_in, irreps_out, inputs = BROKEN[symmetry]
    report = eq.check(function, inputs, irreps_in, irreps_out, group=GROUPS[symmetry], samples=4)
    (finding,) = report.findings
    text = repr(finding.counterexample)
    element = eval(text, vars(groups))
    assert element == finding.counterexample
    assert f"group=equivariance.groups.{text}" in " ".join(str(report).split()).replace("groups. ", "groups.")
    again = eq.check(function, inputs, irreps_in, irreps_out, group=element)
    assert told(again) == told(report)
    assert again.findings[0].counterexample == element


def test_a_counterexample_that_needs_other_weights_or_modes_reproduces_too():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(3))

        def forward(self, x):
            return x + self.bias if self.training else x

    report = eq.check(Hidden(), VECTORS, "1x1o", "1x1o", group="so3", samples=1)
    assert report.findings[0].state == "perturbed weights, train mode"
    assert told(eq.check(Hidden(), VECTORS, "1x1o", "1x1o", group=report.findings[0].counterexample)) == told(report)


def test_a_counterexample_of_a_layer_replays_in_diagnose():
    network = Stack(Scale(), Mix(), Scale())
    report = eq.diagnose(network, VECTORS, "1x1o", "1x1o", group="so3", samples=4)
    again = eq.diagnose(network, VECTORS, "1x1o", "1x1o", group=report.findings[0].counterexample)
    assert told(again) == told(report) == {("layers.1", "rotation", "component-mixing")}


SIMPLEST = {
    "translation": "translation([1, 0, 0])",
    "rotation": "rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]])",
    "inversion": "inversion()",
    "permutation": "permutation(cycles=[(0, 1)], size=6)",
    "batch": "samples([0], of=6)",
}


@pytest.mark.parametrize("symmetry", BROKEN)
def test_counterexamples_are_simple_where_simple_ones_show_the_break(symmetry):
    function, irreps_in, irreps_out, inputs = BROKEN[symmetry]
    report = eq.check(function, inputs, irreps_in, irreps_out, group=GROUPS[symmetry])
    assert repr(report.findings[0].counterexample) == SIMPLEST[symmetry]


def test_a_break_that_simple_elements_hide_keeps_the_sampled_one():
    """Sound under all rotations of the cube: every axis is treated alike."""
    report = eq.check(lambda x: x**3, VECTORS, "1x1o", "1x1o", group="so3", samples=4)
    (finding,) = report.findings
    assert finding.counterexample not in groups.cube_rotations()
    assert told(eq.check(lambda x: x**3, VECTORS, "1x1o", "1x1o", group=finding.counterexample)) == told(report)


def test_an_element_may_combine_symmetries():
    element = groups.translation([1, 2, 3]) @ groups.rotation([0, 0, 1])
    assert eq.check(relative, POINTS, "cartesian_points", "1x1o", group=element).ok
    assert not eq.check(lambda x: x * 2, POINTS, "cartesian_points", "1x1o", group=element).ok


def test_the_longest_translation_can_be_set():
    report = eq.check(lambda x: x * 2, POINTS, "cartesian_points", "1x1o", group=groups.Translations(1e-3))
    assert report.findings[0].counterexample.distance <= 1e-3


# assert_equivariant


def test_a_sound_function_passes_and_the_report_comes_back():
    assert eq.assert_equivariant(o3.Linear("2x0e+1x1o", "1x0e+2x1o"), [normal(5, 5)]).ok
    assert eq.assert_equivariant(relative, [POINTS], ["cartesian_points"], ["1x1o"]).symmetries == (
        "translation", "rotation", "inversion",
    )  # fmt: skip


def test_a_broken_function_raises_an_assertion_whose_text_is_the_report():
    with pytest.raises(AssertionError) as caught:
        eq.assert_equivariant(Mix(), args_in=[VECTORS], irreps_in=["1x1o"], irreps_out=["1x1o"])
    assert isinstance(caught.value, EquivarianceAssertionError)
    text = str(caught.value)
    assert "component-mixing" in text
    assert "specimens.py:" in text
    assert "group=equivariance.groups.rotation(" in text


@pytest.mark.slow
def test_e3nns_two_inputs_are_read_off_the_module():
    product = o3.FullTensorProduct("1x1o", "1x1o")
    args = [normal(4, 3), normal(4, 3, seed=1)]
    assert eq.assert_equivariant(product, args, irreps_in=[product.irreps_in1, product.irreps_in2]).ok
    assert eq.assert_equivariant(product, args).ok


def test_layers_within_are_localized():
    with pytest.raises(AssertionError, match=r"layers\.1"):
        eq.assert_equivariant(Stack(Scale(), Mix()), [VECTORS])


def test_nan_and_tiny_outputs_fail():
    for function in (lambda x: x * float("nan"), lambda x: (x + 0.5) * 1e-12, lambda x: x * 0):
        with pytest.raises(AssertionError):
            eq.assert_equivariant(function, [VECTORS], "1x1o", "1x1o")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tolerance": 1e-3}, "tolerance=0.001: expected no tolerance: the rounding floor is measured"),
        ({"do_parity": [True]}, "do_parity=[True]: expected True or False"),
        ({"do_translation": False, "group": "o3"}, "do_translation=False: expected no such option beside group='o3'"),
        ({"rtol": 1}, "rtol=1: expected no such argument"),
    ],
)
def test_options_without_a_meaning_are_refused(options, words):
    with pytest.raises(ArgumentError, match=re.escape(words)):
        eq.assert_equivariant(relative, [POINTS], "cartesian_points", "1x1o", **options)


@pytest.mark.parametrize(
    ("options", "instead", "tested"),
    [
        ({"ntrials": 3}, "ntrials: options of e3nn; write samples=3", ("translation", "rotation", "inversion")),
        ({"do_parity": False}, "write group='se3'", ("translation", "rotation")),
        ({"do_translation": False}, "write group='o3'", ("rotation", "inversion")),
        ({"do_parity": False, "do_translation": False, "ntrials": 2}, "write samples=2, group='so3'", ("rotation",)),
    ],
)
def test_options_of_e3nn_are_taken_with_a_word(options, instead, tested):
    with pytest.warns(DeprecationWarning, match=re.escape(instead)) as caught:
        report = eq.assert_equivariant(relative, [POINTS], "cartesian_points", "1x1o", **options)
    assert report.symmetries == tested
    assert caught[0].filename == __file__


def leaky(features):
    return features + 0.1


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (o3.Linear("4x0e+2x1o", "3x0e+2x1o"), {}),
        (o3.FullTensorProduct("1x1o", "1x1o"), {}),
        (relative, {"irreps_in": "cartesian_points", "irreps_out": "1x1o"}),
        (lambda x, y: x * y, {"irreps_in": ["1x0e", "2x1o"], "irreps_out": "2x1o"}),
    ],
)
def test_inputs_are_drawn_from_the_irreps(function, given):
    assert eq.assert_equivariant(function, **given, samples=2).ok


def test_drawn_inputs_show_what_is_broken():
    with pytest.raises(AssertionError, match="component-mixing"):
        eq.assert_equivariant(leaky, irreps_in="2x1o", irreps_out="2x1o", samples=2)


def test_missing_irreps_are_read_or_assumed_and_missing_inputs_are_named():
    assert eq.assert_equivariant(relative, [POINTS]).ok
    with pytest.raises(AssertionError, match="absolute-position"):
        eq.assert_equivariant(lambda positions: positions * positions.norm(dim=-1, keepdim=True), [POINTS])
    with pytest.raises(ArgumentError, match="args_in=None: expected example inputs"):
        eq.assert_equivariant(relative)


# Bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"group": "so4"}, "group='so4': expected one of batch, e2"),
        ({"samples": 0}, "samples=0: expected a whole number of at least 1"),
        ({"samples": 2.5}, "samples=2.5: expected a whole number"),
        ({"samples": True}, "samples=True: expected a whole number"),
        ({"seed": -1}, "seed=-1: expected a whole number of at least 0"),
        ({"seed": None}, "seed=None: expected a whole number"),
        ({"irreps_out": "2x1o"}, "output.*expected a last axis of 6, for 2x1o"),
        ({"irreps_out": ["1x1o"]}, "output.*expected"),
        ({"irreps_out": {"a": "1x1o"}}, "output.*expected"),
        ({"irreps_in": "cartesian"}, "cartesian.*expected"),
        ({"args": torch.zeros(0, 3)}, "args: x.*expected"),
        ({"args": torch.full((4, 3), float("nan"))}, "args: x.*expected finite"),
        ({"args": torch.tensor([[1.0, float("inf"), 0]])}, "args: x.*expected finite"),
        ({"args": None}, "args.*expected at least one tensor"),
        ({"args": (VECTORS, VECTORS)}, "args='2 arguments': expected what the callable takes"),
        ({"func": 3}, "func=3: expected a callable"),
        ({"kwargs": {"y": VECTORS}}, "args.*expected what the callable takes"),
    ],
)
def test_bad_input_names_the_argument_the_value_and_what_was_expected(change, words):
    def function(x):
        return x

    call = {"func": function, "args": POINTS, "irreps_in": "1x1o", "irreps_out": "1x1o", **change}
    with pytest.raises(ArgumentError, match=words):
        eq.check(**call)


@pytest.mark.parametrize("declared", [{}, {"irreps_in": "1x1o", "irreps_out": "1x1o"}])
def test_arguments_by_name_that_are_given_as_one_are_told_where_they_go(declared):
    with pytest.raises(ArgumentError, match=r"args='1 argument': .* required .*by name are kwargs={...}"):
        eq.check(torch.nn.Bilinear(3, 3, 3), {"input1": VECTORS, "input2": VECTORS}, **declared)


def test_an_undeclared_tensor_is_an_error_that_names_it():
    with pytest.raises(UndeclaredTensorError, match=r"args: features=.*tensor of shape \(9,\)"):
        eq.check(sound, (POINTS,), {"positions": "cartesian_points"}, NESTED_OUT, kwargs={"features": normal(9)})


def test_an_undeclared_output_is_an_error_that_names_it():
    with pytest.raises(UndeclaredTensorError, match=r"output\['scalars'\]"):
        eq.check(lambda x: {"a": x, "scalars": x}, VECTORS, "1x1o", {"a": "1x1o"})


def test_an_unknown_layer_lists_the_layers():
    with pytest.raises(ChoiceError, match=r"layer='pool': expected one of layers, layers\.0$"):
        eq.diagnose(Stack(Scale()), VECTORS, "1x1o", "1x1o", layers="pool")


def test_a_tensor_hidden_in_an_object_is_refused():
    class Bag:
        def __init__(self):
            self.x = VECTORS

    with pytest.raises(ArgumentError, match=r"Bag that holds tensors.*expected a tensor, dict, list"):
        eq.check(lambda b: b.x, (Bag(),), (None,), "1x1o")


def test_an_exception_of_the_function_comes_through():
    def function(x):
        raise KeyError("on purpose")

    with pytest.raises(KeyError, match="on purpose"):
        eq.check(function, VECTORS, "1x1o", "1x1o")


def test_one_point_and_coincident_points_are_examined():
    for points in (POINTS[:1], POINTS[:1].expand(5, 3), torch.zeros(4, 3)):
        report = eq.check(lambda x: x + 0, points, "cartesian_points", "cartesian_points", group=["e3", "permutation"])
        assert report.ok or {f.cause for f in report.findings} == {"vanishing"}
