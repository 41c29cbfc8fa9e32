"""Copies of modules share the generated code of their layers, and neither layers nor memory."""

import copy

import pytest
import torch
from e3nn import nn as enn
from e3nn import o3

from equivariance._engine.instrumentation.module_copies import copy_of
from equivariance.errors import ArgumentError

IRREPS = "2x0e+2x1o"


def layers():
    torch.manual_seed(0)
    return {
        "tensor product": (o3.FullyConnectedTensorProduct(IRREPS, "1x0e+1x1o", IRREPS), (8, 4)),
        "linear map": (o3.Linear(IRREPS, IRREPS), (8,)),
        "gate": (enn.Gate("2x0e", [torch.tanh], "2x0e", [torch.sigmoid], "2x1o"), (10,)),
        "traced": (torch.fx.symbolic_trace(torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU())), (3,)),
        "written by hand": (torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3)), (3,)),
    }


def inputs(sizes, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(5, size, generator=generator).to(dtype) for size in sizes]


@pytest.mark.parametrize("name", layers())
def test_a_copy_does_what_a_deep_copy_does(name):
    layer, sizes = layers()[name]
    ours, known = copy_of(layer), copy.deepcopy(layer)
    assert torch.equal(ours(*inputs(sizes)), known(*inputs(sizes)))
    assert {n for n, _ in ours.named_parameters()} == {n for n, _ in known.named_parameters()}
    assert {n for n, _ in ours.named_buffers()} == {n for n, _ in known.named_buffers()}
    assert {n for n, _ in ours.named_modules()} == {n for n, _ in known.named_modules()}
    wide = inputs(sizes, torch.float64)
    assert torch.equal(ours.double()(*wide), known.double()(*wide))


@pytest.mark.parametrize("name", layers())
def test_what_is_done_to_a_copy_is_not_done_to_the_module(name):
    layer, sizes = layers()[name]
    before, seen = layer(*inputs(sizes)), []
    made = copy_of(layer).double().eval()
    for each in made.modules():
        each.register_forward_hook(lambda *args: seen.append(1))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(1.0)
    assert torch.equal(layer(*inputs(sizes)), before)
    assert all(each.training for each in layer.modules())
    assert not seen
    assert {id(m) for m in layer.modules()}.isdisjoint(id(m) for m in made.modules())
    made(*inputs(sizes, torch.float64))
    assert seen


def test_a_copy_of_a_copy_and_a_copy_of_two_names_of_one_layer():
    layer, sizes = layers()["tensor product"]
    both = torch.nn.ModuleList([layer, layer])
    made = copy_of(copy_of(both))
    assert made[0] is made[1]
    assert torch.equal(made[0](*inputs(sizes)), layer(*inputs(sizes)))


def test_generated_code_is_shared():
    layer, _ = layers()["tensor product"]
    pairs = zip(layer.modules(), copy_of(layer).modules(), strict=True)
    traced = [(one, other) for one, other in pairs if isinstance(one, torch.fx.GraphModule)]
    assert traced
    assert all(type(one) is type(other) for one, other in traced)


class Itself(torch.nn.Linear):
    """Its copies are the module itself."""

    def __deepcopy__(self, memo):
        return self


def test_a_module_that_returns_itself_is_refused():
    with pytest.raises(ArgumentError, match="shares the module itself"):
        copy_of(Itself(2, 2))
