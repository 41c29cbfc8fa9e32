"""Expectations of PyTorch's private API: each test says which file to mend if a new PyTorch fails it."""

import sys

import pytest
import torch
from torch import nn

from equivariance import _torch_private as private

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # of importing inductor


@pytest.fixture
def one_process(tmp_path):
    """A group of this process alone, as a distributed training has one."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_every_name_is_tested():
    functions = {name for name in private.__all__ if callable(getattr(private, name))}
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert functions - {"TorchDispatchMode"} <= tested


def test_tensor_address():
    tensor, other = torch.zeros(2), torch.zeros(2)
    assert private.tensor_address(tensor) == private.tensor_address(tensor)
    assert private.tensor_address(tensor) != private.tensor_address(other)
    assert private.tensor_address(tensor) != private.tensor_address(tensor.view(2))


def test_storage_address():
    tensor = torch.zeros(4)
    address = private.storage_address(tensor.untyped_storage())
    assert private.storage_address(tensor[1:].untyped_storage()) == address
    assert private.storage_address(tensor.clone().untyped_storage()) != address


def test_version_counter():
    tensor = torch.zeros(4)
    before = private.version_counter(tensor)
    tensor[1:].add_(1)
    assert private.version_counter(tensor) == before + 1
    with torch.inference_mode():
        unknown = torch.zeros(1)
    with pytest.raises(RuntimeError, match="version counter"):
        private.version_counter(unknown)


def test_base_of():
    tensor = torch.zeros(4)
    assert private.base_of(tensor) is None
    assert private.base_of(tensor.view(2, 2)[0]) is tensor


def test_weak_reference():
    storages = torch.multiprocessing.reductions.StorageWeakRef
    tensor = torch.zeros(4)
    address, memory = private.tensor_address(tensor), storages(tensor.untyped_storage())
    reference = private.weak_reference(tensor)
    del tensor
    assert memory.expired()
    assert all(private.tensor_address(torch.zeros(4)) != address for _ in range(100))
    del reference


def test_layers_of():
    shared = torch.nn.Linear(2, 2)
    net = torch.nn.Sequential(shared, torch.nn.Sequential(shared, torch.nn.ReLU()))
    net.register_module("none", None)
    assert set(private.layers_of(net)) == set(net.modules())
    assert len(private.layers_of(net)) == 4


def test_is_functorch_wrapped():
    seen = []
    torch.vmap(lambda x: seen.append(private.is_functorch_wrapped(x)) or x)(torch.zeros(2))
    assert seen == [True]
    assert not private.is_functorch_wrapped(torch.zeros(2))


def test_autograd_sequence_number():
    leaf = torch.zeros(2, requires_grad=True)
    first = private.autograd_sequence_number()
    leaf * 2
    assert private.autograd_sequence_number() == first + 1
    torch.zeros(2) * 2
    assert private.autograd_sequence_number() == first + 1


class Doubled(torch.autograd.Function):
    """Notes which node is running when it is differentiated."""

    seen = ()

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        frame, names = sys._getframe(), set()
        while frame is not None:
            names.add(frame.f_code.co_name)
            frame = frame.f_back
        Doubled.seen = private.differentiated_sequence_number(), private.BACKWARD_ENTRY in names
        return 2 * gradient


def test_differentiated_sequence_number():
    assert private.differentiated_sequence_number() is None
    leaf = torch.zeros(2, requires_grad=True)
    number = private.autograd_sequence_number()
    Doubled.apply(leaf).sum().backward()
    assert Doubled.seen == (number, True)
    assert private.differentiated_sequence_number() is None


def test_schema_of():
    schema = private.schema_of(torch.ops.aten.add_.Tensor)
    assert schema.name == "aten::add_"
    written = [a.name for a in schema.arguments if a.alias_info is not None and a.alias_info.is_write]
    assert written == ["self"]
    assert [a.name for a in schema.arguments if a.kwarg_only] == ["alpha"]


def test_children_of():
    module = nn.Sequential(nn.Identity(), nn.ReLU())
    assert private.children_of(module) == {"0": module[0], "1": module[1]}


def test_buffers_of():
    module = nn.Module()
    module.register_buffer("steps", torch.zeros(1))
    module.register_buffer("unset", None)
    assert list(private.buffers_of(module)) == ["steps", "unset"]
    private.buffers_of(module)["steps"] = other = torch.ones(1)
    assert module.steps is other


def test_is_distributed(one_process):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, distribute_tensor

    spread = distribute_tensor(torch.zeros(2), init_device_mesh("cpu", (1,)), [Replicate()])
    assert private.is_distributed(spread)
    assert private.is_distributed(nn.Parameter(spread))
    assert not private.is_distributed(torch.zeros(2))


def test_parameters_of():
    module = nn.Linear(1, 2, bias=False)
    assert private.parameters_of(module) == {"weight": module.weight, "bias": None}
    private.parameters_of(module)["weight"] = other = nn.Parameter(torch.ones(2, 1))
    assert module.weight is other


class Passing(private.TorchDispatchMode):
    """Runs every operation as it is."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def test_modes_entered():
    before = private.modes_entered()
    with Passing(), torch.overrides.BaseTorchFunctionMode(), Passing():
        assert private.modes_entered() == (before[0] + 2, before[1] + 1)
    assert private.modes_entered() == before


def test_cut_modes():
    before = private.modes_entered()
    for mode in (Passing(), torch.overrides.BaseTorchFunctionMode(), Passing()):
        mode.__enter__()
    private.cut_modes(before)
    assert private.modes_entered() == before
    private.cut_modes(before)
    assert private.modes_entered() == before
    assert torch.zeros(2).sum() == 0


def test_is_compiler_loaded(monkeypatch):
    torch.compile(nn.Identity())
    assert private.is_compiler_loaded()
    monkeypatch.delitem(sys.modules, "torch._dynamo")
    assert not private.is_compiler_loaded()


def test_compiled_original():
    module = nn.Linear(1, 1)
    assert private.compiled_original(torch.compile(module)) is module
    assert private.compiled_original(module) is None


def test_is_compiled():
    module, in_place = nn.Linear(1, 1), nn.Linear(1, 1)
    in_place.compile()
    assert private.is_compiled(torch.compile(module))
    assert private.is_compiled(nn.Sequential(torch.compile(module)))
    assert private.is_compiled(in_place)
    assert private.is_compiled(torch.compile(torch.relu))
    assert not private.is_compiled(module)
    assert not private.is_compiled(torch.relu)


def test_tree_leaves():
    assert private.tree_leaves({"a": [1, (2,)], "b": 3}) == [1, 2, 3]


def test_a_dispatch_mode_sees_every_operation():
    seen = []

    class Seeing(private.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            seen.append(private.schema_of(func).name)
            return func(*args, **(kwargs or {}))

    with Seeing():
        torch.zeros(2) + 1
    assert seen == ["aten::zeros", "aten::add"]
