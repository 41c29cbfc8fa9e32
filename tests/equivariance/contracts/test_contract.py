"""Contracts: what is declared, what modules state about themselves, and what does not fit."""

import re
from dataclasses import dataclass

import pytest
import torch
from e3nn import nn as e3nn_nn
from e3nn import o3

import equivariance as eq
from equivariance.contracts.contract import Contract, call_contract
from equivariance.contracts.declared import declared_contract
from equivariance.contracts.signature import bind, unbind
from equivariance.errors import ArgumentError, ContractError, UndeclaredTensorError
from equivariance.representations import CartesianPoints, Invariant, Irreps
from tests.equivariance.helpers.specimens import Scale, Stack, normal

STATED = {
    "Linear": lambda: o3.Linear("4x0e+2x1o", "3x0e+1x1o", biases=True),
    "FullyConnectedTensorProduct": lambda: o3.FullyConnectedTensorProduct("2x0e+1x1o", "1x1o", "1x0e+1x1o+1x1e"),
    "FullTensorProduct": lambda: o3.FullTensorProduct("1x1o", "1x1o"),
    "TensorSquare": lambda: o3.TensorSquare("1x0e+1x1o"),
    "Norm": lambda: o3.Norm("2x1o+1x2e"),
    "Gate": lambda: e3nn_nn.Gate("4x0e", [torch.tanh], "2x0e", [torch.sigmoid], "2x1o"),
    "NormActivation": lambda: e3nn_nn.NormActivation(o3.Irreps("2x0e+2x1o"), torch.sigmoid, bias=True),
    "Activation": lambda: e3nn_nn.Activation("2x0e+1x0o+1x1o", [torch.relu, torch.tanh, None]),
    "BatchNorm": lambda: e3nn_nn.BatchNorm("2x0e+2x1o"),
    "Dropout": lambda: e3nn_nn.Dropout("2x0e+2x1o", 0.5),
}


class Network(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, first, second=None):
        return self.layer(first) if second is None else self.layer(first, second)


@pytest.mark.slow
@pytest.mark.parametrize("name", STATED)
def test_modules_of_e3nn_are_sound_without_a_contract(name):
    layer = STATED[name]()
    contract = declared_contract(layer)
    specs = [spec for spec in contract.inputs.values() if isinstance(spec, Irreps)]
    inputs = tuple(normal(6, spec.dim, seed=i) for i, spec in enumerate(specs))
    report = eq.diagnose(Network(layer), inputs, specs, contract.output, group=["o3", "permutation"], samples=4)
    assert report.ok, report
    assert not [line for line in report.assumptions if "not used" in line]
    assert {row.layer for row in report.layers} >= {"", "layer"}


@pytest.mark.slow
@pytest.mark.parametrize("name", STATED)
def test_modules_of_e3nn_are_found_broken(name):
    """A contract that swaps the meaning of the output, on the modules that have one worth the name."""
    layer = STATED[name]()
    contract = declared_contract(layer)
    specs = [spec for spec in contract.inputs.values() if isinstance(spec, Irreps)]
    inputs = tuple(normal(6, spec.dim, seed=i) for i, spec in enumerate(specs))
    flipped = Irreps(
        "+".join(f"{mul}x{degree}{'o' if parity > 0 else 'e'}" for mul, degree, parity in contract.output.blocks)
    )
    report = eq.check(layer, inputs, specs, flipped, group="o3", samples=2)
    assert {symmetry for f in report.findings for symmetry in f.symmetries} == {"inversion"}
    assert {f.cause for f in report.findings} == {"wrong-irrep"}


def test_weights_given_in_the_call_do_not_transform():
    class Hyper(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = o3.Linear("2x1o", "3x1o", internal_weights=False, shared_weights=True)
            self.weight = torch.nn.Parameter(normal(self.layer.weight_numel))

        def forward(self, x):
            return self.layer(x, self.weight)

    report = eq.diagnose(Hyper(), normal(5, 6), "2x1o", "3x1o", group="o3", samples=3)
    assert report.ok
    assert "layer" in {row.layer for row in report.layers}


def test_a_module_that_states_less_has_no_contract():
    assert declared_contract(torch.nn.Linear(3, 3)) is None
    assert declared_contract(o3.ReducedTensorProducts("ij=-ji", i="1o")) is None


class NotItsOwn(Scale):
    """States irreps that do not fit what it is called with."""

    irreps_in = irreps_out = "5x1o"


def test_a_stated_contract_that_does_not_fit_is_dropped_with_a_word():
    report = eq.diagnose(Stack(NotItsOwn()), normal(2, 4, 3), "1x1o", "1x1o", samples=1)
    assert report.ok
    assert {row.layer for row in report.layers} == {"", "layers.0"}  # inferred in its place
    assert any("layers.0" in line and "not used" in line for line in report.assumptions)


def test_a_given_contract_that_does_not_fit_is_an_error():
    with pytest.raises(ContractError, match=r"layers\.0: x=.*expected a last axis of 15, for 5x1o"):
        eq.diagnose(
            Stack(Scale()), normal(2, 4, 3), "1x1o", "1x1o", contracts={"layers.0": Contract({"x": "5x1o"}, "5x1o")}
        )


def test_a_given_contract_replaces_the_stated_one():
    contract = Contract({"x": "1x1o"}, "1x1o")
    report = eq.diagnose(
        Stack(NotItsOwn()), normal(2, 4, 3), "1x1o", "1x1o", contracts={"layers.*": contract}, samples=1
    )
    assert {row.layer for row in report.layers} == {"", "layers.0"}


def test_a_contract_that_matches_no_layer_lists_the_layers():
    with pytest.raises(ArgumentError, match=r"contracts='layer\.0': expected one of layers, layers\.0$"):
        eq.diagnose(Stack(Scale()), normal(2, 4, 3), "1x1o", "1x1o", contracts={"layer.0": Contract({}, None)})


def test_a_contract_may_name_arguments_that_a_call_leaves_out():
    class Masked(torch.nn.Module):
        def forward(self, x, mask=None):
            return x if mask is None else x * mask[:, None]

    contract = Contract({"x": "1x1o", "mask": None}, "1x1o")
    report = eq.diagnose(Stack(Masked()), normal(4, 3), "1x1o", "1x1o", contracts={"layers.0": contract}, samples=1)
    assert report.ok
    assert eq.check(Masked(), normal(4, 3), {"x": "1x1o", "mask": None}, "1x1o", samples=1).ok


@pytest.mark.parametrize("name", ["layers.0", "layers.*"])
def test_a_contract_of_an_argument_that_does_not_exist_is_an_error(name):
    contract = Contract({"y": "1x1o"}, "1x1o")
    with pytest.raises(ContractError, match=r"contract of layers.*=\['y'\]: expected names among its arguments, "):
        eq.diagnose(Stack(Scale()), normal(4, 3), "1x1o", "1x1o", contracts={name: contract})


def test_inputs_are_bound_by_name_and_unbound_again():
    def function(a, *rest, flag=False, **more):
        return a, rest, flag, more

    arguments = bind(function, (1, 2, 3), {"flag": True, "other": 4})
    assert arguments == {"a": 1, "rest": (2, 3), "flag": True, "more": {"other": 4}}
    args, kwargs = unbind(function, arguments)
    assert function(*args, **kwargs) == (1, (2, 3), True, {"other": 4})


def test_a_builtin_without_a_signature_takes_numbered_arguments():
    inputs = (torch.ones(3), torch.ones(3))
    assert list(bind(torch.add, inputs, {})) == ["0", "1"]
    args, kwargs = unbind(torch.add, bind(torch.add, inputs, {}))
    assert torch.add(*args, **kwargs).tolist() == [2, 2, 2]
    assert eq.check(torch.add, inputs, ("1x1o", "1x1o"), "1x1o", group="o3", samples=2).ok


@dataclass(frozen=True)
class Cloud:
    positions: object
    features: object
    name: object = None


def test_specifications_nest_like_their_values():
    spec = Cloud("cartesian_points", {"charge": None, "force": o3.Irreps("1x1o")})
    contract = Contract({"cloud": spec}, ["0e", {"a": None}])
    cloud = Cloud(torch.zeros(4, 3), {"charge": torch.zeros(4), "force": torch.zeros(4, 3)}, "a name")
    contract.check_inputs({"cloud": cloud}, "layer")
    contract.check_output((torch.zeros(4, 1), {"a": torch.zeros(2)}), "layer")
    assert isinstance(contract.inputs["cloud"]["positions"], CartesianPoints)
    assert isinstance(contract.output[1]["a"], Invariant)


def test_an_undeclared_tensor_is_named_with_its_place():
    contract = Contract({"cloud": {"positions": "cartesian_points"}}, None)
    with pytest.raises(UndeclaredTensorError, match=re.escape("layer: cloud.features['charge']=")):
        contract.check_inputs({"cloud": Cloud(torch.zeros(4, 3), {"charge": torch.zeros(4)})}, "layer")


@pytest.mark.parametrize(
    ("args", "irreps_in", "words"),
    [
        (
            (normal(4, 3),),
            ("1x1o", None),
            "expected 1 representations, one for each of args, or a dict by parameter name",
        ),
        ((normal(4, 3), normal(4)), "1x1o", "expected 2 representations, one for each of args"),
        ((normal(4, 3), normal(4)), {"x": "1x1o"}, r"args: w=.*tensor of shape \(4,\).*expected a representation: "),
        (
            (normal(4, 3), normal(4)),
            {"x": "1x1o", "v": None},
            r"contract of args=\['v'\]: expected names among .* x, w$",
        ),
        ((normal(4, 4),), ("1x1o",), r"args: x=.*shape \(4, 4\).*expected a last axis of 3, for 1x1o"),
        ((normal(4, 4),), ("cartesian_points",), "expected a last axis of 3, for cartesian_points"),
        (
            (normal(4, 3),),
            ("1xq",),
            r"x='1xq': expected 'cartesian_points', None \(unchanged\), or irreps in e3nn",
        ),
        (
            (normal(4, 3),),
            (torch.ones(3),),
            r"x=tensor\(.*: expected an irreps string, 'cartesian_points', None or a Representation",
        ),
        ((normal(4, 3), None, 1), ("1x1o", None, None), "args='3 arguments': expected what the callable takes"),
        ((2.0,), (None,), r"args=\(2.0,\): expected at least one tensor"),
    ],
)
def test_bad_calls_name_the_argument_the_value_and_what_was_expected(args, irreps_in, words):
    def function(x, w=None):
        return x

    with pytest.raises(ArgumentError, match=words):
        call_contract(function, args, None, irreps_in, "1x1o")
