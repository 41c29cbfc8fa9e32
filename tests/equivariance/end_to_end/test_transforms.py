"""Wrappers of torch around a function: vmap, functional calls, gradients, checkpoints, custom backwards."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, jacrev, vmap
from torch.utils.checkpoint import checkpoint

from tests.equivariance.helpers.clouds import NUMBERS, Network, diagnosed, messages, told


class Mapped(Network):
    def forward(self, x):
        def one(v):
            a = self.up[:, None] * v
            if self.broken:
                a = torch.relu(a)
            return (self.weight @ a).sum(0)

        return vmap(one)(messages(x))


class Functional(Network):
    def build(self):
        self.mix = nn.Linear(4, 4, bias=False)

    def forward(self, x):
        doubled = {name: 2 * p for name, p in self.mix.named_parameters()}
        a = functional_call(self.mix, doubled, (self.vectors(x).mT,)).mT
        if self.broken:
            a = torch.relu(a)
        return a.sum(1)


class Differentiated(Network):
    """The statement is in what is differentiated; no vector of it comes out."""

    def forward(self, x):
        def energy(y):
            a = messages(y)
            if self.broken:
                a = torch.relu(a)
            return a.square().sum()

        return grad(energy)(x)


class Jacobian(Network):
    def forward(self, x):
        def lengths(y):
            a = messages(y)
            if self.broken:
                a = torch.relu(a)
            return a.norm(dim=-1)

        return jacrev(lengths)(x).sum(0)


class Checkpointed(Network):
    reentrant = False

    def body(self, a):
        a = self.weight @ a
        if self.broken:
            a = torch.relu(a)
        return self.weight @ a

    def forward(self, x):
        return checkpoint(self.body, self.vectors(x), use_reentrant=self.reentrant).sum(1)


class Reentrant(Checkpointed):
    """Warns of its own where nothing asks for gradients, as here."""

    reentrant = True


class Forces(Checkpointed):
    """The checkpoint runs once more within the backward pass."""

    def forward(self, x):
        with torch.enable_grad():
            y = x.detach().requires_grad_()
            energy = super().forward(y).square().sum()
            return torch.autograd.grad(energy, y)[0]


class Doubling(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, broken):
        if broken:
            a = torch.relu(a)
        return 2 * a

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient, None


class OwnFunction(Network):
    def forward(self, x):
        return Doubling.apply(self.vectors(x), self.broken).sum(1)


TRANSFORMED = [Mapped, Functional, Differentiated, Jacobian, Checkpointed, Reentrant, Forces, OwnFunction]


@pytest.mark.parametrize("kind", TRANSFORMED)
def test_sound_networks(kind):
    report = diagnosed(kind())
    assert report.ok, report


@pytest.mark.slow
@pytest.mark.parametrize("kind", TRANSFORMED)
def test_broken_networks(kind):
    assert told(diagnosed(kind(broken=True))) == {("", "confirmed", "a = torch.relu(a)")}


class WrongBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a.square().sum(-1)

    @staticmethod
    def backward(ctx, gradient):
        (a,) = ctx.saved_tensors
        bent = torch.tensor([2.0, 2.0, 2.1]).to(a) * a
        return gradient[..., None] * bent


class Energy(Network):
    def forward(self, x):
        a = self.vectors(x)
        return (WrongBackward.apply(a) if self.broken else a.square().sum(-1)).sum(-1)


def test_a_backward_that_somebody_wrote_is_named_itself():
    """Backward operations belong to the statement that they differentiate, but not those that somebody wrote."""
    assert diagnosed(Energy(), NUMBERS, gradients=True).ok
    report = diagnosed(Energy(broken=True), NUMBERS, gradients=True)
    assert told(report) == {("", "confirmed", "bent = torch.tensor([2.0, 2.0, 2.1]).to(a) * a")}
