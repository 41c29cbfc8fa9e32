"""Subjects for the command lines: small, sound, broken and failing."""

import torch
from torch import nn

from equivariance.subject import Subject


class Norms(nn.Module):
    """Returns the norms of vectors."""

    def forward(self, x):
        return x.norm(dim=-1, keepdim=True)


class First(nn.Module):
    """Returns the first component: not invariant."""

    def forward(self, x):
        return x[:, :1]


class Failing(nn.Module):
    """Raises an error with lines, colours and a command in it."""

    def forward(self, x):
        raise RuntimeError("a\n\x1b[31mb\n::error::c")


def _subject(module, name="small"):
    return Subject(name, module, (torch.ones(4, 3),), "1x1o", "1x0e", claims=("so3",))


def sound():
    return _subject(Norms())


def broken():
    return _subject(First())


def failing():
    return _subject(Failing())


def strange():
    return _subject(First(), "na/me\n<b>[/x]\x1b[31m::error::\u202e\udcff")


def raising():
    raise KeyError("a\nb")


def interrupted():
    raise KeyboardInterrupt
