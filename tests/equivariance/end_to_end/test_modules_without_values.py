"""Modules that cannot be examined: without values, spread over processes, or without a copy. One clear error each."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.errors import ArgumentError
from equivariance.subject import Subject

X = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


class Distances(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.f = layer

    def forward(self, pos):
        return self.f((pos[:, None] - pos[None]).norm(dim=-1))


class Uncopied(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.f, self.error = nn.Linear(1, 1), error

    def __deepcopy__(self, memo):
        raise self.error

    def forward(self, pos):
        return pos


class Buffered(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.zeros(3, device="meta"))

    def forward(self, pos):
        return pos * self.table


def refused(module, *words):
    for examine in (eq.check, eq.diagnose, eq.assert_equivariant):
        with pytest.raises(ArgumentError) as caught:
            examine(module, (X,), ("cartesian_points",), None, group="se3")
        text = str(caught.value)
        assert text.startswith(f"module='{type(module).__name__}': expected ")
        assert not [word for word in words if word not in text], text
        assert "\n" not in text


@pytest.mark.parametrize(
    "layer", [nn.LazyLinear(2), nn.LazyBatchNorm1d(), nn.Sequential(nn.Linear(6, 3), nn.LazyLinear(1))]
)
def test_a_lazy_module_that_has_not_run(layer):
    refused(Distances(layer), "waits for the first run: run the module once", "f.")


def test_a_lazy_module_that_has_run():
    module = Distances(nn.LazyLinear(2))
    module(X)
    assert eq.check(module, (X,), ("cartesian_points",), None, group="se3", samples=1).ok


@pytest.mark.parametrize("module", [nn.Linear(3, 2, device="meta"), Distances(nn.Linear(6, 2)).to("meta"), Buffered()])
def test_a_module_on_the_device_meta(module):
    refused(module, "is on the device meta")


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("no"), RuntimeError("a\nb"), KeyError("x"), ValueError(), MemoryError()]
)
def test_a_copy_that_raises(error):
    refused(Uncopied(error), f"that copy.deepcopy can copy ({type(error).__name__}: ")


def test_a_subject_is_refused_too():
    from equivariance.api import diagnose_subject
    from equivariance.settings import Settings

    subject = Subject("meta", nn.Linear(3, 3, device="meta"), (X,), "1x1o", "1x1o")
    with pytest.raises(ArgumentError, match="weight is on the device meta"):
        diagnose_subject(subject, "so3", Settings(samples=1))


@pytest.fixture
def one_process(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_a_module_that_is_spread_over_processes(one_process):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import Replicate, distribute_tensor

    mesh = init_device_mesh("cpu", (1,))
    by_hand = nn.Linear(3, 2)
    by_hand.weight = nn.Parameter(distribute_tensor(by_hand.weight.detach(), mesh, [Replicate()]))
    sharded = fully_shard(nn.Linear(3, 2), mesh=mesh)
    for module in (by_hand, sharded):
        refused(module, "weight is spread over processes")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_several_jobs_are_refused_once_cuda_is_in_use():
    torch.zeros(1, device="cuda")
    with pytest.raises(ArgumentError, match="jobs=2: expected 1 once CUDA is in use"):
        eq.diagnose(Distances(nn.Linear(6, 2)), (X,), ("cartesian_points",), None, group="se3", jobs=2)
