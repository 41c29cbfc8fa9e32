"""Subjects whose networks and factories raise unusual errors."""

import torch
from torch import nn

from equivariance.subject import Subject

X = torch.ones(4, 3)


class Norms(nn.Module):
    """Returns norms, or raises an error first."""

    def __init__(self, error=None):
        super().__init__()
        self.error = error

    def forward(self, x):
        if self.error is not None:
            raise self.error
        return x.norm(dim=-1, keepdim=True)


class Own(BaseException):
    """An exception that is no Exception."""


class Endless(nn.Module):
    """Calls itself."""

    def forward(self, x):
        return self.forward(x)


def _subject(module, name="x", **more):
    return Subject(name, module, (X,), "1x1o", "1x0e", **{"claims": ("so3",), **more})


ERRORS = {
    "lines": RuntimeError("multi\nline\n\x1b[31mred\n::error::x"),
    "own": Own("x"),
    "generator": GeneratorExit(),
    "memory": MemoryError(),
    "leaves": SystemExit(7),
    "nothing": RuntimeError(),
    "surrogate": ValueError("\udcff"),
}


def __getattr__(name):
    """Makes a factory for each error, in the network (`in_lines`) and in the factory itself (`by_lines`)."""
    where, _, kind = name.partition("_")
    if kind not in ERRORS or where not in ("in", "by"):
        raise AttributeError(name)

    def factory():
        if where == "by":
            raise ERRORS[kind]
        return _subject(Norms(ERRORS[kind]))

    return factory


def endless():
    return _subject(Endless())


def without_name():
    return _subject(Norms(), None)


def number():
    return 3


def interrupts():
    raise KeyboardInterrupt


def strange():
    torch.manual_seed(0)
    return _subject(nn.Linear(3, 1), "na/me\n<b>[/x]\x1b[31m\udcff\n::error::x")
