"""Recorded values in memory and in files."""

import errno
import gc
import os
import tempfile

import pytest
import torch

import equivariance as eq
from benchmarks.defects.catalogue import CASES
from equivariance._engine.instrumentation.tensor_store import GIBIBYTE, MemoryBudget, TensorStore
from equivariance.errors import ArgumentError
from tests.equivariance.helpers.planted import diagnosed


def test_what_fits_stays_as_it_is():
    memory = MemoryBudget(1)
    tensor = torch.randn(3, 4, requires_grad=True)
    kept = TensorStore(memory).keep(tensor)
    assert kept.data_ptr() == tensor.data_ptr()
    assert not kept.requires_grad
    assert memory.on_disk == 0


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(3, 4),
        torch.randn(3, 4).T,
        torch.randn(3, 1).expand(3, 5),
        torch.randn(4, 6)[1:, ::2],
        torch.randn(2, 3, dtype=torch.complex64),
        torch.randn(5).bfloat16(),
        torch.arange(7),
        torch.tensor([True, False]),
        torch.tensor(2.5),
        torch.empty(0, 3),
    ],
)
def test_a_copy_in_a_file_is_laid_out_like_the_tensor(tensor):
    keeper = TensorStore(MemoryBudget(0))
    kept = keeper.keep(tensor)
    assert kept.data_ptr() != tensor.data_ptr() or tensor.numel() == 0
    assert kept.dtype == tensor.dtype
    assert kept.stride() == tensor.stride()
    assert torch.equal(kept, tensor)


def test_views_of_one_tensor_are_copied_once_and_still_share_their_memory():
    memory = MemoryBudget(0)
    keeper, tensor = TensorStore(memory), torch.randn(4, 6)
    whole, row = keeper.keep(tensor), keeper.keep(tensor[2])
    assert row.data_ptr() == whole[2].data_ptr()
    assert memory.on_disk == tensor.numel() * tensor.element_size()


def test_a_tensor_that_was_changed_is_copied_anew():
    keeper, tensor = TensorStore(MemoryBudget(0)), torch.zeros(3)
    before = keeper.keep(tensor)
    keeper.changes(tensor)
    after = keeper.keep(tensor.add_(1))
    assert before.tolist() == [0, 0, 0]
    assert after.tolist() == [1, 1, 1]
    versions = TensorStore(MemoryBudget(0))
    before, after = (versions.copy_of(tensor, version) for version in (0, 1))
    assert before.data_ptr() != after.data_ptr()


def test_memory_that_is_used_again_is_another_tensor():
    keeper = TensorStore(MemoryBudget(0))
    kept = []
    for number in range(50):
        kept.append(keeper.keep(torch.full((1000,), float(number))))  # freed at once, so that the address comes again
    assert [float(t[0]) for t in kept] == list(range(50))


@pytest.mark.slow
def test_what_recordings_held_is_free_when_they_are_gone():
    memory = MemoryBudget(1)
    keeper, other = TensorStore(memory), TensorStore(memory)
    tensor = torch.zeros(1000)
    keeper.keep(tensor)
    keeper.keep(tensor[10:])
    other.keep(torch.zeros(10))
    assert memory.used == 4040
    del keeper
    gc.collect()
    assert memory.used == 40


def test_the_limit_is_one_of_all_recordings():
    memory = MemoryBudget(1000 / GIBIBYTE)
    first, second = TensorStore(memory), TensorStore(memory)
    first.keep(torch.zeros(200))
    second.keep(torch.zeros(200))
    assert memory.used == memory.on_disk == 800


def test_files_have_no_names(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    keeper = TensorStore(MemoryBudget(0))
    kept = keeper.keep(torch.ones(5))
    assert list(tmp_path.iterdir()) == []
    assert kept.sum() == 5


def test_a_full_disk_is_one_clear_error(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ArgumentError, match=r"memory=0: expected more, or room for .* GiB more in .*No space left"):
        eq.diagnose(torch.nn.Linear(3, 3), torch.randn(4, 3), "1o", "1o", memory=0)


@pytest.mark.parametrize("memory", [-1, float("nan"), float("inf"), "4", True, None])
def test_a_limit_is_a_number(memory):
    with pytest.raises(ArgumentError, match=r"memory=.*expected a number of GiB, 0 or more"):
        eq.diagnose(torch.nn.Linear(3, 3), torch.randn(4, 3), "1o", "1o", memory=memory)


_NAMES = [
    "schnet-sound",
    "painn-sound",
    "tfn-sound",
    "egnn-sound",
    "dgl-sound",
    *(f"{name}@2" for name in sorted({c.truth.marker for c in CASES if c.truth})[::9]),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", _NAMES)
def test_a_report_is_the_same_whatever_is_in_files(name):
    held, filed = (diagnosed(name, memory=memory) for memory in (4.0, 0.0))
    assert str(held) == str(filed)
    assert held.layers == filed.layers
