"""Networks on a GPU, and beside another default device: what the harness makes itself lies where it belongs."""

import contextlib

import pytest
import torch
from e3nn import o3
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.clouds import NUMBERS, VECTORS, Network, diagnosed, messages, told
from tests.equivariance.helpers.specimens import normal

on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU with CUDA")
GROUPS = ["e3", "permutation"]


class Cloud(Network):
    """Breaks one symmetry, or none; every tensor that it makes itself lies on the device of its input."""

    def __init__(self, broken: str = "") -> None:
        super().__init__()
        self.broken = broken

    def forward(self, x):
        h = self.vectors(x)
        if self.broken == "rotation":
            h = h + h.new_tensor([0.0, 0.0, 0.1])
        if self.broken == "translation":
            h = h * x.norm(dim=-1)[:, None, None]
        if self.broken == "permutation":
            h = h * torch.arange(1, len(h) + 1, device=h.device)[:, None, None]
        return (self.weight @ h).sum(1)


AT_FAULT = {
    "rotation": "h = h + h.new_tensor([0.0, 0.0, 0.1])",
    "translation": "h = h * x.norm(dim=-1)[:, None, None]",
    "permutation": "h = h * torch.arange(1, len(h) + 1, device=h.device)[:, None, None]",
}
GROUP_OF = {"rotation": "so3", "translation": "translation", "permutation": "permutation"}


@contextlib.contextmanager
def another_default_device():
    """Where every tensor that is made without a word on its device would be of no use to anyone."""
    with torch.device("meta"):
        yield


CLOUD = normal(10, 3)


def test_sound_network_beside_another_default_device():
    network = Cloud()
    with another_default_device():
        report = diagnosed(network, args=CLOUD, group=GROUPS)
    assert report.ok, report


@pytest.mark.slow
@pytest.mark.parametrize("symmetry", AT_FAULT)
def test_broken_networks_beside_another_default_device(symmetry):
    network = Cloud(symmetry)
    with another_default_device():
        report = diagnosed(network, args=CLOUD, group=GROUP_OF[symmetry])
    assert told(report) == {("", "confirmed", AT_FAULT[symmetry])}


@on_cuda
def test_sound_network_on_cuda():
    report = diagnosed(Cloud().cuda(), args=CLOUD.cuda(), group=GROUPS)
    assert report.ok, report
    assert report.settings["main precision"] == "float64"


@on_cuda
@pytest.mark.parametrize("symmetry", AT_FAULT)
def test_broken_networks_on_cuda(symmetry):
    network = Cloud(symmetry).cuda()
    before = {name: p.clone() for name, p in network.named_parameters()}
    report = diagnosed(network, args=CLOUD.cuda(), group=GROUP_OF[symmetry])
    assert told(report) == {("", "confirmed", AT_FAULT[symmetry])}
    assert all(p.is_cuda and torch.equal(p, before[name]) for name, p in network.named_parameters())
    assert report.to_json()
    assert str(report)


@on_cuda
def test_steerable_layers_on_cuda():
    """Wigner matrices are made on the CPU."""

    class Steerable(nn.Module):
        irreps_in, irreps_out = o3.Irreps("2x1o+1x2e"), o3.Irreps("2x1o+1x2e")

        def __init__(self, broken=False):
            super().__init__()
            self.linear, self.broken = o3.Linear(self.irreps_in, self.irreps_out), broken

        def forward(self, x):
            x = self.linear(x)
            if self.broken:
                x = torch.relu(x)
            return x

    features = normal(6, 11).cuda()
    sound = eq.diagnose(Steerable().cuda(), features, group=["o3", "permutation"], samples=3)
    assert sound.ok, sound
    broken = eq.diagnose(Steerable(broken=True).cuda(), features, group="so3", samples=3)
    assert told(broken) == {("", "confirmed", "x = torch.relu(x)")}


@on_cuda
def test_autocast_on_cuda():
    class Mixed(Network):
        def build(self):
            self.mix = nn.Linear(4, 4, bias=False)

        def forward(self, x):
            with torch.autocast("cuda", dtype=torch.bfloat16):
                h = self.mix(self.vectors(x).mT).mT
            if self.broken:
                h = torch.relu(h)
            return h.sum(1)

    sound = diagnosed(Mixed().cuda(), args=CLOUD.cuda(), group="e3")
    assert sound.ok, sound
    assert told(diagnosed(Mixed(broken=True).cuda(), args=CLOUD.cuda())) == {("", "confirmed", "h = torch.relu(h)")}


@on_cuda
def test_forces_on_cuda():
    """Autograd runs backward passes on CUDA in threads of its own, where no statement calls."""

    class Forces(Network):
        def forward(self, x):
            with torch.enable_grad():
                y = x.detach().requires_grad_()
                a = messages(y)
                if self.broken:
                    a = torch.relu(a)
                return torch.autograd.grad(a.square().sum(), y)[0]

    assert diagnosed(Forces().cuda(), VECTORS, args=CLOUD.cuda()).ok
    broken = diagnosed(Forces(broken=True).cuda(), VECTORS, args=CLOUD.cuda())
    assert told(broken) == {("", "confirmed", "a = torch.relu(a)")}


@on_cuda
def test_gradients_on_cuda():
    class Energy(Network):
        def forward(self, x):
            return self.vectors(x).square().sum((-1, -2))

    assert diagnosed(Energy().cuda(), NUMBERS, args=CLOUD.cuda(), group="se3", gradients=True).ok


@on_cuda
def test_chance_on_cuda_is_noticed():
    class Trembling(Network):
        def forward(self, x):
            return self.vectors(x).sum(1) * (1 + torch.rand((), device=x.device))

    report = diagnosed(Trembling().cuda(), args=CLOUD.cuda())
    assert "nondeterministic" in {f.cause for f in report.findings}
