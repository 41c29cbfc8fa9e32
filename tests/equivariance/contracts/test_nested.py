"""Walks over nested values."""

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from types import MappingProxyType

import pytest
import torch
from e3nn import o3

from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import UNSPECIFIED, cast, cloned, compile_spec, leaves, map_tensors, transform
from equivariance.errors import ContractError, UndeclaredTensorError
from equivariance.groups import permutation, rotation
from equivariance.representations import Invariant, Irreps

Pair = namedtuple("Pair", ["left", "right"])


@dataclass(frozen=True)
class Frozen:
    x: torch.Tensor
    rest: dict = field(default_factory=dict)
    tag: str = "tag"


def value():
    return {
        "list": [torch.ones(3), (torch.zeros(2, dtype=torch.int64), None, "text", 3)],
        "pair": Pair(torch.ones(1, 3), [torch.ones(())]),
        "frozen": Frozen(torch.ones(2, 3), {"deep": [torch.ones(4)]}),
        7: OrderedDict(b=torch.ones(2), a=torch.ones(1)),
    }


def test_every_tensor_is_found_once_with_its_place():
    paths = [path for path, _, _ in leaves(value(), UNSPECIFIED, "v")]
    assert paths == [
        "v['list'][0]",
        "v['list'][1][0]",
        "v['pair'][0]",
        "v['pair'][1][0]",
        "v['frozen'].x",
        "v['frozen'].rest['deep'][0]",
        "v[7]['b']",
        "v[7]['a']",
    ]


def test_values_are_rebuilt_in_kind_and_never_changed():
    given = value()
    doubled = map_tensors(given, lambda t: t * 2)
    assert type(doubled["pair"]) is Pair
    assert type(doubled["frozen"]) is Frozen
    assert type(doubled[7]) is OrderedDict
    assert list(doubled[7]) == ["b", "a"]
    assert doubled["list"][1][1:] == (None, "text", 3)
    assert doubled["frozen"].tag == "tag"
    assert doubled["frozen"].rest["deep"][0].tolist() == [2] * 4
    assert all(bool((t <= 1).all()) for _, t, _ in leaves(given, UNSPECIFIED))


def test_unusual_containers_keep_their_kind():
    counted = defaultdict(list, x=torch.ones(2))
    doubled = map_tensors(counted, lambda t: t * 2)
    assert type(doubled) is defaultdict
    assert doubled["x"].tolist() == [2, 2]
    assert counted["x"].tolist() == [1, 1]
    assert doubled["new"] == []
    for given in (o3.Irreps("2x0e+1x1o"), torch.Size([2, 3]), MappingProxyType({"a": 1})):
        assert map_tensors(given, lambda t: t * 2) is given


def test_plain_containers_without_tensors_are_copied_too():
    given = {"list": [1, 2], "dict": {}}
    copy = cloned(given)
    copy["list"].append(3)
    copy["dict"]["new"] = 1
    assert given == {"list": [1, 2], "dict": {}}


def test_copies_share_no_memory_and_no_history():
    given = {"x": torch.ones(3, requires_grad=True) * 2}
    copy = cloned(given)
    copy["x"].zero_()
    assert given["x"].tolist() == [2, 2, 2]
    assert not copy["x"].requires_grad


def test_only_floats_are_cast():
    result = cast(value(), torch.float64)
    assert {t.dtype for _, t, _ in leaves(result, UNSPECIFIED)} == {torch.float64, torch.int64}
    assert result["list"][1][0].dtype == torch.int64


def test_each_tensor_goes_by_its_own_representation():
    spec = compile_spec({"a": ["1x1o", None], "b": Pair("0e", "cartesian_points")}, "v")
    given = {"a": [torch.ones(2, 3), torch.ones(2)], "b": Pair(torch.ones(2, 1), torch.ones(2, 3))}
    moved = transform(given, spec, rotation([0, 0, 3.141592653589793]) @ permutation([1, 0]))
    assert torch.allclose(moved["a"][0], torch.tensor([-1.0, -1, 1]).expand(2, 3))
    assert torch.equal(moved["a"][1], given["a"][1])
    assert torch.allclose(moved["b"].right, torch.tensor([-1.0, -1, 1]).expand(2, 3))


def test_one_none_stands_for_everything_inside():
    assert {type(r) for _, _, r in leaves(value(), compile_spec(None, "v"), "v")} == {Invariant}


def test_specifications_are_compiled_through_containers():
    spec = compile_spec(Frozen("1x1o", {"deep": ("0e", None)}, None), "v")
    assert spec == {"x": Irreps("1x1o"), "rest": {"deep": [Irreps("1x0e"), Invariant()]}, "tag": Invariant()}


class Bag:
    def __init__(self, **entries):
        self.__dict__.update(entries)


@pytest.mark.parametrize(
    ("given", "spec", "error", "words"),
    [
        (
            {"x": torch.ones(3)},
            {},
            UndeclaredTensorError,
            r"v\['x'\]=.*tensor of shape \(3,\).*expected a representation",
        ),
        ([torch.ones(3)], {"x": "1x1o"}, UndeclaredTensorError, r"v\[0\]"),
        ([torch.ones(3)] * 2, ["1x1o"], ContractError, "v=.*sequence of 1 representations.*expected 2"),
        (torch.ones(3), ["1x1o"], ContractError, "v='tensor of shape.*expected a value shaped like"),
        ({"x": torch.ones(3)}, "1x1o", ContractError, "v='dict': expected a tensor, for 1x1o"),
        (Bag(x=torch.ones(3)), None, ContractError, "v='Bag that holds tensors'.*expected a tensor, dict"),
        (Bag(rows=[torch.ones(3)]), None, ContractError, "v='Bag that holds tensors'"),
        ({torch.ones(3)}, None, ContractError, "v='set that holds tensors'"),
        (torch.ones(3, dtype=torch.complex64), None, ContractError, "expected a real tensor"),
    ],
)
def test_what_does_not_fit_is_named(given, spec, error, words):
    with pytest.raises(error, match=words):
        leaves(given, Contract({"v": spec}, None).inputs["v"], "v")


@pytest.mark.parametrize("given", [None, 3, "text", Bag(a=1), torch.nn.Linear(2, 2), lambda x: x, {1, 2}, iter([])])
def test_values_without_tensors_pass(given):
    assert leaves(given, None, "v") == []
    assert map_tensors(given, lambda t: t * 0) is given


def test_a_recursive_container_is_no_endless_walk():
    loop = []
    loop.append(loop)
    with pytest.raises((ContractError, RecursionError)):
        leaves(loop, UNSPECIFIED, "v")
