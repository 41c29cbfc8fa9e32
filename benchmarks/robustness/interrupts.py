"""Interrupts a diagnosis after a given time, and compares the state of the process and of the module with before."""

import random
import signal
import time
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

import equivariance as eq
from equivariance._process_state import PARTS, _same


class Invariant(nn.Module):
    """Returns the norms of vectors; with a scale, not invariant."""

    def __init__(self, scale=None):
        super().__init__()
        self.scale = torch.ones(3) if scale is None else scale

    def forward(self, x):
        return (x * self.scale.to(x)).norm(dim=-1, keepdim=True)


class Network(nn.Module):
    """Adds the distances of points from the origin to features: broken, so that every stage of a diagnosis runs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.lin, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, f, pos):
        return self.norm(self.lin(f)) + pos.norm(dim=-1, keepdim=True)


class Interrupted(NamedTuple):
    """The result of one interrupt.

    Attributes:
        hit: True if the diagnosis was interrupted, False if it was faster.
        lost: The parts of the state that differ from before.
    """

    hit: bool
    lost: list


_MODULE = Network()
_INPUTS = (torch.randn(5, 4, generator=torch.Generator().manual_seed(1)), torch.randn(5, 3))


def _diagnose():
    eq.diagnose(_MODULE, _INPUTS, (None, "cartesian_points"), None, group=["se3"], samples=1)


def diagnose_once():
    """Runs the diagnosis, and returns its seconds."""
    start = time.perf_counter()
    _diagnose()
    return time.perf_counter() - start


def snapshot(module):
    """Everything that a module has."""
    return [
        (name, layer, layer.training, dict(vars(layer)), list(layer._forward_hooks),
         [(key, tensor, tensor._version, tensor.detach().clone()) for key, tensor in
          (*layer._parameters.items(), *layer._buffers.items()) if tensor is not None])
        for name, layer in module.named_modules()
    ]  # fmt: skip


def compare(module, before):
    """The names of what differs in a module from `before`, a snapshot or the module itself."""
    old = snapshot(before) if isinstance(before, nn.Module) else before
    lost = []
    for one, other in zip(snapshot(module), old, strict=True):
        tensors = zip(one[5], other[5], strict=True)
        same = one[1] is other[1] and one[2:5] == other[2:5]
        same = same and all(a[1] is b[1] and a[2] == b[2] and torch.equal(a[3], b[3]) for a, b in tensors)
        lost += [] if same else [f"module {one[0]}"]
    return lost


def interrupt_at(seconds):
    """Diagnoses, and raises KeyboardInterrupt after some seconds, by the timer of the system."""

    # The handler that Python sets for Ctrl-C.
    handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    parts, module, hit = [part.read() for part in PARTS], snapshot(_MODULE), False
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            _diagnose()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        hit = True
    signal.signal(signal.SIGALRM, handler)
    lost = [p.name for p, value in zip(PARTS, parts, strict=True) if not _same(p.read(), value)]
    return Interrupted(hit, [*lost, *compare(_MODULE, module)])
