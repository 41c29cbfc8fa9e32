"""Small subjects for the tests of the command line, as strangers would write them."""

from __future__ import annotations

import os
import signal

import torch
from torch import nn

from equivariance import Contract, Irreps
from equivariance.subject import RegisteredFinding, Subject
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal

MODULE = "tests.equivariance.helpers.subjects"


class Biased(Scale):
    """Sound until a checkpoint gives the bias a value; weights are never perturbed, as it is a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("bias", torch.zeros(3))

    def forward(self, x):
        return super().forward(x) + self.bias


def _subject(name, *layers, **more):
    options = {"claims": ("e3",), "description": f"a {name} network", **more}
    return Subject(name, Stack(*layers), (normal(6, 4, 3),), "1x1o", "1x1o", **options)


def sound():
    return _subject("sound", Scale(seed=0), Scale(seed=1))


def broken():
    return _subject("broken", Scale(seed=0), Mix(), Scale(seed=1), Mix(seed=2))


def unclaimed():
    """Breaks rotation, and claims inversion only."""
    return _subject("unclaimed", Mix(), claims=("permutation",))


def positions():
    class Offset(nn.Module):
        def forward(self, x):
            return x * 2

    return Subject("positions", Offset(), (normal(8, 3),), "cartesian_points", "1x1o", ("se3",))


def with_contracts():
    contracts = {"layers.*": Contract({"x": "1x1o"}, "1x1o")}
    return _subject(
        "with contracts",
        Scale(),
        contracts=contracts,
        registered=(RegisteredFinding("layers.1", "rotation", "precision"),),
    )


def biased():
    return _subject("biased", Scale(), Biased())


def fails():
    class Fails(nn.Module):
        def forward(self, x):
            raise KeyError("a layer\nfails")

    return Subject("fails", Fails(), (normal(4, 3),), "1x1o", "1x1o")


def undeclared():
    return Subject("undeclared", Stack(Scale()), ({"x": normal(4, 3), "y": normal(4)},), {"x": {"x": "1x1o"}}, "1x1o")


def not_finite():
    return Subject("not finite", Stack(Scale()), (torch.full((6, 4, 3), float("nan")),), "1x1o", "1x1o")


def explodes():
    raise RuntimeError("no data\nin the house")


def needs_arguments(path):
    return path


def leaves_the_process():
    raise SystemExit(0)


def fails_by_leaving():
    class Leaves(nn.Module):
        def forward(self, x):
            raise SystemExit(0)

    return Subject("fails by leaving", Leaves(), (normal(4, 3),), "1x1o", "1x1o")


def without_module():
    return Subject("without module", lambda x: x, (normal(4, 3),), "1x1o", "1x1o")


def known_by_name():
    return _subject("known by name", Scale(), registered=("rotation",))


def without_batch():
    spec = Irreps("1x1o", nodes=0, batch=None)
    return Subject("without batch", Stack(Scale()), (normal(6, 4, 3),), spec, spec, claims=("o3",))


CALLS_LEFT = [0]
"""Number of further calls after which the user of an ``impatient`` network presses Ctrl-C."""


def impatient():
    class Waits(Scale):
        def forward(self, x):
            CALLS_LEFT[0] -= 1
            if CALLS_LEFT[0] == 0:
                os.kill(os.getpid(), signal.SIGINT)
            return super().forward(x)

    return _subject("impatient", Waits(), Mix())


def no_subject():
    return 3


value = 4
