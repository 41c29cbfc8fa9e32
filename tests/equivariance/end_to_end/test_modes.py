"""Training mode, buffers that change, chance, and outputs of every shape."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from tests.equivariance.helpers.clouds import NUMBERS, VECTORS, Network, diagnosed, messages, told

RELU = ("", "confirmed", "h = torch.relu(h)")


class Normalized(Network):
    """Sound in both modes: statistics of lengths."""

    def build(self):
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        h = self.vectors(x)
        h = h * self.norm(h.norm(dim=-1))[:, :, None]
        if self.broken:
            h = torch.relu(h)
        return h.sum(1)


class Dropped(Network):
    """Sound in both modes: whole vectors are dropped."""

    def build(self):
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        h = self.vectors(x)
        h = h * self.drop(h.norm(dim=-1))[:, :, None]
        if self.broken:
            h = torch.relu(h)
        return (self.weight @ h).sum(1)


class Counting(Network):
    """Buffers that change in the forward, in place and by another tensor."""

    def build(self):
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, x):
        h = self.vectors(x)
        self.count += 1
        self.mean = 0.9 * self.mean + 0.1 * h.square().mean()
        if self.broken:
            h = torch.relu(h)
        return h.sum(1) * self.count / self.mean.sqrt()


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", [Normalized, Dropped, Counting])
def test_modes(kind, training):
    sound = kind().train(training)
    before = {name: buffer.clone() for name, buffer in sound.named_buffers()}
    report = diagnosed(sound, group=["se3", "o3"])
    assert report.ok, report
    assert sound.training is training
    assert all(torch.equal(buffer, before[name]) for name, buffer in sound.named_buffers())
    assert told(diagnosed(kind(broken=True).train(training))) == {RELU}


class NormalizedComponents(Network):
    """Sound in evaluation mode with fresh statistics, but for their scale."""

    def build(self):
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        v = messages(x)
        v = self.norm(v)
        return v * v.norm(dim=-1, keepdim=True)


class DroppedComponents(Network):
    """Broken in training mode only."""

    def build(self):
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        h = self.vectors(x)
        h = self.drop(h)
        return (self.weight @ h).sum(1)


def test_breaks_of_training_mode():
    assert told(diagnosed(NormalizedComponents())) == {("norm", "confirmed", "v = self.norm(v)")}
    report = diagnosed(DroppedComponents())
    assert told(report) == {("drop", "confirmed", "h = self.drop(h)")}
    assert "train mode" in report.findings[0].state


@dataclass
class Made:
    vectors: Tensor
    lengths: Tensor
    extra: object = None


class Named(NamedTuple):
    vectors: Tensor
    lengths: Tensor
    extra: object = None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "output"),
    [
        (Made, Made(VECTORS, NUMBERS)),
        (Made, {"vectors": VECTORS, "lengths": NUMBERS}),
        (Named, Named(VECTORS, NUMBERS)),
        (Named, (VECTORS, NUMBERS, None)),
        (lambda v, n: {"v": v, "n": n, "none": None, "word": "x"}, {"v": VECTORS, "n": NUMBERS}),
        (lambda v, n: (v, None, n), (VECTORS, None, NUMBERS)),
        (lambda v, n: {"a": [v, (n, None)], "b": {}}, {"a": [VECTORS, (NUMBERS, None)]}),
    ],
)
def test_outputs(make, output):
    class Giving(Network):
        def forward(self, x):
            h = self.vectors(x)
            if self.broken:
                h = torch.relu(h)
            v = h.sum(1)
            return make(v, v.norm(dim=-1))

    assert diagnosed(Giving(), output).ok
    assert told(diagnosed(Giving(broken=True), output)) == {RELU}


class Inside(Network):
    """A layer that takes None and gives a dataclass."""

    def build(self):
        self.inner = Giver(self.broken)

    def forward(self, x):
        made = self.inner(self.vectors(x), None)
        return (made.vectors * made.lengths[..., None]).sum(1)


class Giver(nn.Module):
    def __init__(self, broken):
        super().__init__()
        self.broken = broken

    def forward(self, h, mask):
        if self.broken:
            h = torch.relu(h)
        return Made(h, h.norm(dim=-1), mask)


def test_dataclasses_between_layers():
    sound = diagnosed(Inside())
    assert sound.ok, sound
    assert any("what 1 of 1 take and give was inferred" in line for line in sound.assumptions)
    assert told(diagnosed(Inside(broken=True))) == {("inner", *RELU[1:])}
