"""Replacements of a tape: visible to the code that follows, and never written into memory that existed before."""

import numpy as np
import pytest
import torch
from torch import nn

from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.instrumentation.tensor_store import MemoryBudget
from equivariance.representations.tensor_support import overlaps, write

N = 4
SHARED = torch.arange(1.0, 17.0, dtype=torch.float64).reshape(N, N)


class Memory(nn.Module):
    """Reads one tensor of each kind that exists before the call."""

    def __init__(self, read):
        super().__init__()
        self.read = read
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(N, N, generator=generator, dtype=torch.float64))
        self.register_buffer("table", torch.randn(N, N, generator=generator, dtype=torch.float64))
        self.plain = torch.randn(N, N, generator=generator, dtype=torch.float64)
        self.held = {"list": [torch.randn(N, N, generator=generator, dtype=torch.float64)]}
        self.array = np.arange(16.0).reshape(N, N)

    def forward(self, x):
        return self.read(self, x) @ x + x


def in_place_on_view(module, x):
    view = module.plain.clone()[1:]
    view.mul_(2)
    return view.sum() * x


READS = {
    "view of a parameter": lambda m, x: m.weight.t(),
    "parameter": lambda m, x: m.weight * 1,
    "data of a parameter": lambda m, x: m.weight.data[1:].sum() * m.weight.data,
    "view of a buffer": lambda m, x: m.table.mT,
    "row of a buffer, expanded": lambda m, x: m.table[0].expand(N, N),
    "sliding windows of a buffer": lambda m, x: m.table.flatten().unfold(0, N, 1)[:N],
    "view of the input": lambda m, x: x.t(),
    "input": lambda m, x: x,
    "plain attribute": lambda m, x: m.plain.diagonal().diag_embed(),
    "tensor in a list": lambda m, x: m.held["list"][0].view(-1).view(N, N),
    "NumPy memory": lambda m, x: torch.from_numpy(m.array).t(),
    "global tensor": lambda m, x: SHARED[:, :2].repeat(1, 2),
    "memory of the call": in_place_on_view,
}


def recorded(module, x, patches):
    tape = Tape(MemoryBudget(), patches, {})
    with torch.no_grad(), tape.following(module, "", []), tape:
        tape.hand(x)
        output = module(x)
        tape.mark("output", {"": output})
        return tape, tape.current(output).clone()


def state_of(module, x):
    return [t.clone() for t in (*module.state_dict().values(), module.plain, *module.held["list"], SHARED, x)] + [
        torch.from_numpy(module.array.copy())
    ]


@pytest.mark.parametrize("kind", READS)
def test_a_replacement_is_read_and_writes_into_nothing_that_existed(kind):
    module, x = Memory(READS[kind]), torch.eye(N, dtype=torch.float64) + 1
    before, (tape, plain) = state_of(module, x), recorded(module, x, {})
    seen = 0
    for number, value in enumerate(tape.values):
        if not value.is_floating_point():
            continue
        other, made = recorded(module, x, {number: lambda old, _: torch.rand_like(old) + 3})
        assert all(map(torch.equal, before, state_of(module, x)))
        assert [(e.name, e.reads, e.writes) for e in other.events] == [(e.name, e.reads, e.writes) for e in tape.events]
        seen += not torch.equal(made, plain)
    assert seen >= 2


@pytest.mark.parametrize("kind", READS)
def test_a_replacement_by_the_same_value_changes_nothing(kind):
    module, x = Memory(READS[kind]), torch.eye(N, dtype=torch.float64) + 1
    tape, plain = recorded(module, x, {})
    for number, value in enumerate(tape.values):
        assert torch.equal(recorded(module, x, {number: lambda *_, kept=value: kept})[1], plain)


class InPlace(Memory):
    """Changes memory that existed before the call; the change itself is the network's own."""

    def __init__(self):
        super().__init__(None)
        self.register_buffer("calls", torch.zeros(N, dtype=torch.float64))

    def forward(self, x):
        row = self.table[1]
        self.calls.add_(1)
        row.mul_(2)
        return self.table @ x + self.calls


def test_after_a_change_in_place_the_code_reads_the_replacement():
    x = torch.eye(N, dtype=torch.float64)
    tape, plain = recorded(InPlace(), x, {})
    changes = [e.writes[0] for e in tape.events if e.name in ("add_", "mul_")]
    assert len(changes) == 2
    for number in changes:
        module, own = InPlace(), InPlace()
        own(x)
        _, made = recorded(module, x, {number: lambda old, _: old + 7})
        assert not torch.equal(made, plain)
        assert torch.equal(module.calls, own.calls)
        assert torch.equal(module.table, own.table)


def test_changes_in_place_of_a_replaced_value_stay_in_its_private_copy():
    x = torch.eye(N, dtype=torch.float64)
    tape, _ = recorded(InPlace(), x, {})
    (row,) = [e.writes[0] for e in tape.events if e.name == "select"]
    module = InPlace()
    before = module.table.clone()
    _, made = recorded(module, x, {row: lambda old, _: torch.ones_like(old)})
    assert torch.equal(made[1], torch.full((N,), 3.0, dtype=torch.float64))
    assert torch.equal(module.table, before)


def test_expanded_tensors_are_written_where_their_entries_agree():
    row = torch.zeros(3)
    expanded = row.expand(2, 3)
    assert overlaps(expanded)
    assert write(expanded, torch.tensor([[1.0, 2, 3]]))
    assert row.tolist() == [1, 2, 3]
    assert not write(expanded, torch.tensor([[1.0, 2, 3], [4, 5, 6]]))
    assert row.tolist() == [1, 2, 3]
    windows = torch.arange(4.0).unfold(0, 2, 1)
    assert overlaps(windows)
    assert not overlaps(torch.zeros(2, 3).t())
    assert not write(windows, torch.arange(6.0).reshape(3, 2))
    assert windows.tolist() == [[0, 1], [1, 2], [2, 3]]
